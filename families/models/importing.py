"""Imports of residents before they are confirmed: the sheet that somebody brought, and which column meant what."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from families.models.families import Family
from families.models.jobs import Job, JobState
from portal.accounts.models import User


class SheetQuerySet(models.QuerySet["Sheet"]):
    """Sheets, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """One's own drafts, and nobody else's: what is in them has been sent to nobody yet."""
        if not (user.is_active and user.is_manager):
            return self.none()
        return self.filter(job__made_by=user, job__state=JobState.DRAFT)


class Sheet(models.Model):
    """What somebody uploaded or pasted, as it came, and how it is to be read. Its rows as read are those of ``job``.

    Personal data that nobody needs once the job is confirmed: it is deleted then, and with drafts that were left.
    ``encoding``, ``separator`` and ``has_header`` were recognised or chosen; ``columns`` holds a field's name or "" for
    each column, ``words`` what its unknown words for rights mean (services.importing.rights). ``reading`` names the latest reading of its rows; ``read_at`` is empty until that came to its end.
    """

    job = models.OneToOneField(Job, models.CASCADE, related_name="sheet")
    name = models.CharField(max_length=200, blank=True)
    content = models.BinaryField()
    encoding = models.CharField(max_length=20)
    separator = models.CharField(max_length=1)
    has_header = models.BooleanField(default=True)
    columns = models.JSONField(default=list)
    words = models.JSONField(default=dict)
    family = models.ForeignKey(Family, models.SET_NULL, null=True, blank=True, related_name="+")
    reading = models.CharField(max_length=36, blank=True)
    read_at = models.DateTimeField(null=True)

    objects = SheetQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ColumnMemory(models.Model):
    """Which column meant what in sheets with this header, for this person, and which word for rights which.

    ``header`` is a digest of its words, or of how many columns there are where there is none. ``words`` have digests for keys.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    header = models.CharField(max_length=64)
    columns = models.JSONField(default=list)
    words = models.JSONField(default=dict)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "column memories"
        constraints = [
            models.UniqueConstraint(fields=["person", "header"], name="families_column_memory_unique")
        ]
