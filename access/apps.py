from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from access.sync import hours, passes
        from families.services import placements
        from families.words import index_words
        from portal.connections import rotation

        placements.followers.append(hours.follow)
        rotation.needed_elsewhere.append(passes.key_ids_needed)
        index_words(self, "access_device")
