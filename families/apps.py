from django.apps import AppConfig


class FamiliesConfig(AppConfig):
    name = "families"

    def ready(self) -> None:
        from families.words import index_words

        index_words(self, "families_family", "families_member")
