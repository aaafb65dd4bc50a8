"""The small pictures of openings, as files."""

from pathlib import Path

from django.conf import settings


def picture_path(opening_pk: int) -> Path:
    """Where the small picture of an opening is kept."""
    name = f"{opening_pk:012d}"
    return Path(settings.PICTURES_DIR) / name[-2:] / name[-4:-2] / f"{name}.jpg"
