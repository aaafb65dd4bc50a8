"""Devices and what they open."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from families.models import Family, FamilyRowQuerySet
from portal.accounts.models import User
from portal.ids import PUBLIC_ID_LENGTH, new_public_id
from portal.text import SEARCHABLE_LENGTH

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
        indexes = [
            models.Index(fields=["search_text", "id"], name="access_device_name"),
            # The rows of one device in all its families: where it is shown once, and asked who opened it just now.
            models.Index(fields=["mac"], name="access_device_mac"),
            # For the board: what it orders, counts and narrows by is read from these alone.
            models.Index(
                fields=["search_text", "id", "is_public", "is_online", "family", "mac"],
                name="access_device_board",
                condition=Q(gone_at=None),
            ),
            models.Index(
                fields=["family", "is_online"],
                name="access_device_private",
                condition=Q(gone_at=None, is_public=False),
            ),
            models.Index(
                fields=["mac", "id", "family", "is_online"],
                name="access_device_shared",
                condition=Q(gone_at=None, is_public=True),
            ),
        ]

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


class Lapse(models.Model):
    """A time in which nobody could ask after a family's devices: what they were meanwhile is not known.

    Written with the first good answer after it, between which and the one before lay many rounds of polling.
    """

    family = models.ForeignKey(Family, models.CASCADE, related_name="lapses", db_index=False)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    objects = FamilyRowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["family", "began_at"], name="access_lapse_unique")]
