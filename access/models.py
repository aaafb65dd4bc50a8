"""Doors and what passed through them."""

from typing import Self, TypeVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from families.models import Family, FamilyRowQuerySet, HistoryQuerySet, Property
from portal.accounts.models import User
from portal.audit.models import Command
from portal.ids import PUBLIC_ID_LENGTH, new_public_id
from portal.text import SEARCHABLE_LENGTH

HistoryRow = TypeVar("HistoryRow", bound=models.Model)

# The upstream's device types, and what people call them; an unknown type is shown as it came.
DEVICE_TYPES = {
    "Multi-tenants Doorphone": _("entry panel"),
    "Single-tenant Doorphone": _("intercom"),
    "Indoor Monitor": _("indoor monitor"),
    "Guard Phone": _("guard station"),
    "Access Control": _("reader"),
}


class Device(models.Model):
    """A device as one family has it. A public one stands in several families, with the same MAC, one row each."""

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    family = models.ForeignKey(Family, models.CASCADE, related_name="devices")
    mac = models.CharField(max_length=64)
    name = models.TextField()
    search_text = models.CharField(max_length=SEARCHABLE_LENGTH, blank=True)
    device_type = models.TextField(blank=True)
    is_public = models.BooleanField(default=False)
    is_online = models.BooleanField(default=False)
    online_changed_at = models.DateTimeField(null=True)
    sip = models.TextField(blank=True)
    # Without user and password, which are never stored.
    stream_address = models.TextField(blank=True)
    last_opening_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    missing_answers = models.SmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = FamilyRowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["family", "mac"], name="access_device_unique")]
        indexes = [models.Index(fields=["search_text", "id"], name="access_device_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def type_name(self) -> str:
        """What people call this type of device."""
        return str(DEVICE_TYPES.get(self.device_type, self.device_type))


class RelayQuerySet(models.QuerySet["Relay"]):
    """Relays, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those of the families the person may look at."""
        return self.filter(device__family__in=Family.objects.visible_to(user))


class Relay(models.Model):
    """What a device opens: a door, or a security door."""

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    device = models.ForeignKey(Device, models.CASCADE, related_name="relays")
    relay_id = models.CharField(max_length=128)
    name = models.TextField(blank=True)
    number = models.TextField(blank=True)
    is_security = models.BooleanField(default=False)
    missing_answers = models.SmallIntegerField(default=0)
    gone_at = models.DateTimeField(null=True)

    objects = RelayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "relay_id", "is_security"], name="access_relay_unique")
        ]

    def __str__(self) -> str:
        return self.name or self.device.name


class Outage(models.Model):
    """A time in which polling found a device offline; the resolution is the time between two polls."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="outages")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    resolution_seconds = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["device", "-began_at"], name="access_outage_device")]


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
