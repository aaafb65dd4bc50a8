from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        # Every worker knows by it how passes of a job are made.
        from access.services.passes import jobs  # noqa: F401
        from access.sync import hours, passes
        from families.services import placements
        from families.words import index_words
        from portal.connections import rotation

        placements.followers.append(hours.follow)
        rotation.needed_elsewhere.append(passes.key_ids_needed)
        index_words(self, "access_device")
