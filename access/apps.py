from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from access.sync import hours
        from families.services import placements
        from families.words import index_words

        placements.followers.append(hours.follow)
        index_words(self, "access_device")
