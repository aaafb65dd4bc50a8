"""Passes: what the upstream calls temp keys, as the account of one connection has them in one family."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from families.models import Family, HistoryQuerySet, Reach
from portal.audit.models import Command
from portal.ids import PUBLIC_ID_LENGTH, new_public_id


class TempKey(models.Model):
    """A pass of an account in a family: ours with a label, or made elsewhere and only seen.

    Its digits are never kept: ``fingerprint`` is a keyed digest of them with residence and account in it, by which a
    later list finds it again; "" while we do not know which of the upstream's it is. ``at`` is when it was made here,
    or first seen. The window is in UTC; where the upstream's text could not be read it is empty, and ``raw_window``
    says what came. Never deleted: ``gone_at`` marks one that the upstream names no more.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    reach = models.ForeignKey(Reach, models.CASCADE, related_name="temp_keys")
    family = models.ForeignKey(Family, models.CASCADE, related_name="temp_keys", db_index=False)
    fingerprint = models.CharField(max_length=64, blank=True)
    label = models.CharField(max_length=100, blank=True)
    visitor_name = models.CharField(max_length=100, blank=True)
    visitor_email = models.EmailField(max_length=254, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    command = models.OneToOneField(
        Command, models.DO_NOTHING, null=True, db_constraint=False, related_name="temp_key"
    )
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    raw_window = models.CharField(max_length=140, blank=True)
    uses = models.IntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    missing_answers = models.SmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reach", "fingerprint"],
                name="access_temp_key_unique",
                condition=~Q(fingerprint="") & Q(gone_at=None),
            )
        ]
        indexes = [
            models.Index(fields=["family", "-ends_at", "-id"], name="access_temp_key_family"),
            models.Index(fields=["-ends_at", "-id"], name="access_temp_key_ends"),
        ]

    def __str__(self) -> str:
        return self.label
