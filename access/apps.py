from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from access.sync import hours
        from families.services import placements

        placements.followers.append(hours.follow)
