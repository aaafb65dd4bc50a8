from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "portal.connections"
    label = "connections"

    def ready(self) -> None:
        from portal.connections import addresses
        from portal.upstream import networks

        networks.permit_only(addresses.may_be_connected)
