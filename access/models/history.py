"""What passed through the doors: openings, calls, the gaps between them, and how many there were."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.models.doors import Device
from families.models import Family, HistoryQuerySet, Property
from portal.accounts.models import User
from portal.audit.models import Command


class Picture(models.TextChoices):
    """What became of a row's thumbnail."""

    NONE = "none", _("No picture")
    WANTED = "wanted", _("On its way")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Could not be fetched")
    REFUSED = "refused", _("Not allowed")


class Opening(models.Model):
    """A door that was opened, or refused, as the upstream's history tells it. Append-only.

    Identity is family, raw time text and number within that second: the upstream gives rows no id. ``at`` is
    that text read in the connection's time zone; where it cannot be read, the time we first saw the row.
    """

    family = models.ForeignKey(Family, models.CASCADE, related_name="openings", db_index=False)
    raw_time = models.CharField(max_length=64)
    number = models.IntegerField()
    at = models.DateTimeField()
    is_time_readable = models.BooleanField(default=True)
    is_success = models.BooleanField()
    account_name = models.TextField(blank=True)
    device_name = models.TextField(blank=True)
    open_door_type = models.TextField(blank=True)
    thumbnail_url = models.TextField(blank=True)
    picture_url = models.TextField(blank=True)
    picture = models.CharField(max_length=8, choices=Picture, default=Picture.NONE)
    picture_tries = models.SmallIntegerField(default=0)
    picture_due_at = models.DateTimeField(null=True)
    # A guess by name, where one device of the family has it: the history gives no MAC.
    device = models.ForeignKey(Device, models.SET_NULL, null=True, related_name="openings", db_index=False)
    # The press in the portal that caused it, where exactly one fits.
    command = models.OneToOneField(
        Command, models.DO_NOTHING, null=True, db_constraint=False, related_name="opening"
    )
    seen_at = models.DateTimeField(default=timezone.now)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family", "raw_time", "number"], name="access_opening_unique")
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="access_opening_newest"),
            models.Index(fields=["family", "-at", "-id"], name="access_opening_family"),
            models.Index(
                fields=["device", "-at", "-id"],
                name="access_opening_device",
                condition=Q(device__isnull=False),
            ),
            models.Index(fields=["-at", "-id"], name="access_opening_failed", condition=Q(is_success=False)),
            models.Index(
                fields=["picture_due_at"], name="access_opening_picture", condition=Q(picture="wanted")
            ),
        ]


class OpeningRevision(models.Model):
    """What an opening said before the upstream said it otherwise: a rename, a picture that arrived."""

    opening = models.ForeignKey(Opening, models.CASCADE, related_name="revisions")
    at = models.DateTimeField(default=timezone.now)
    before = models.JSONField()


class Call(models.Model):
    """A call from a door, as the upstream's history tells it. Append-only, with the identity of an opening."""

    family = models.ForeignKey(Family, models.CASCADE, related_name="calls", db_index=False)
    raw_time = models.CharField(max_length=64)
    number = models.IntegerField()
    at = models.DateTimeField()
    is_time_readable = models.BooleanField(default=True)
    call_name = models.TextField(blank=True)
    call_sip = models.TextField(blank=True)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family", "raw_time", "number"], name="access_call_unique")
        ]
        indexes = [
            models.Index(fields=["-at", "-id"], name="access_call_newest"),
            models.Index(fields=["family", "-at", "-id"], name="access_call_family"),
        ]


class Gap(models.Model):
    """A time range of one family's history in which rows may be missing. ``at`` is its end, where the log draws it."""

    family = models.ForeignKey(Family, models.CASCADE, related_name="gaps")
    kind = models.CharField(max_length=10)
    raw_after = models.CharField(max_length=64)
    raw_before = models.CharField(max_length=64)
    begins_at = models.DateTimeField()
    at = models.DateTimeField()
    cause = models.CharField(max_length=20, default="window")
    seen_at = models.DateTimeField(default=timezone.now)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["family", "kind", "raw_after", "raw_before"], name="access_gap_unique"
            )
        ]
        indexes = [models.Index(fields=["family", "-at"], name="access_gap_family")]


class HourlyCountQuerySet(models.QuerySet["HourlyCount"]):
    """Hourly counts, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """The estate's to whoever sees all of it, their properties' to a limited person, each row counted once.

        None to a family admin: the counts know neither of families nor of when a grant began.
        """
        if not user.is_active or user.is_family_admin:
            return self.none()
        if user.is_limited:
            return self.filter(property__in=Property.objects.visible_to(user))
        return self.filter(property=None)


class HourlyCount(models.Model):
    """How many openings, refusals and calls there were in one hour (UTC): in a property, by the families that are in
    it now, or with none in the whole estate. Kept with each insert and each move (access.sync.hours)."""

    property = models.ForeignKey(
        Property, models.CASCADE, null=True, related_name="hourly_counts", db_index=False
    )
    hour = models.DateTimeField()
    opened = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    calls = models.IntegerField(default=0)

    objects = HourlyCountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["property", "hour"], name="access_hour_property", condition=Q(property__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["hour"], name="access_hour_estate", condition=Q(property__isnull=True)
            ),
        ]
