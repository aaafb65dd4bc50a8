"""How far each family is in step with the upstream, and what was found different without our doing."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from families.models.families import Family, FamilyRowQuerySet, HistoryQuerySet, within_grant
from portal.accounts.models import User
from portal.connections.models import Connection


class ChangeQuerySet(HistoryQuerySet["Change"]):
    """Changes, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those of the person's families; for a family admin only what cannot have happened before their grant."""
        found = super().visible_to(user)
        if not user.is_family_admin:
            return found
        # A reading after the grant began may tell of who left before it did.
        return found.filter(Q(happened_after=None) | within_grant(user, "happened_after"))


class Change(models.Model):
    """Something a sync found different from before that no command of ours explains.

    ``at``: when it was told apart from a mistake, and noted. It happened between two readings, the last that told of
    before and the first that did not; each is None where it is not known.
    """

    family = models.ForeignKey(Family, models.CASCADE, related_name="changes")
    at = models.DateTimeField(default=timezone.now)
    happened_after = models.DateTimeField(null=True)
    happened_by = models.DateTimeField(null=True)
    kind = models.CharField(max_length=32)
    subject = models.TextField()
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["family", "-at"], name="families_change_family"),
            models.Index(fields=["-at", "-id"], name="families_change_newest"),
        ]


class Kind(models.TextChoices):
    """What is kept in step with the upstream."""

    FAMILIES = "families", _("Families")
    MEMBERS = "members", _("Members")
    DEVICES = "devices", _("Doors")
    OPENINGS = "openings", _("Openings")
    CALLS = "calls", _("Calls")
    TEMP_KEYS = "temp_keys", _("Passes")


class SyncState(models.Model):
    """How far one kind of thing is in step: for a family, or (the list of families) for a connection.

    ``lease_until`` and ``fence``: whoever claims a state raises the fence and may write only while it holds.
    ``answer_*``: what the history algorithm must remember of the last good answer, as the upstream wrote it.
    ``told_by``: the account whose passes the last good answer told whole; "" where it was another's, or in part.
    """

    kind = models.CharField(max_length=10, choices=Kind)
    family = models.ForeignKey(Family, models.CASCADE, null=True, related_name="sync_states")
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="sync_states")
    due_at = models.DateTimeField(default=timezone.now)
    interval_seconds = models.IntegerField(default=60)
    wanted_until = models.DateTimeField(null=True)
    last_tried_at = models.DateTimeField(null=True)
    last_good_at = models.DateTimeField(null=True)
    digest = models.BinaryField(max_length=16, null=True)
    failures = models.IntegerField(default=0)
    last_error = models.TextField(blank=True)
    not_understood = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True)
    lease_holder = models.CharField(max_length=36, blank=True)
    fence = models.IntegerField(default=0)
    queued_until = models.DateTimeField(null=True)
    window_rows = models.IntegerField(default=0)
    answer_oldest = models.CharField(max_length=64, blank=True)
    newest_known = models.CharField(max_length=64, blank=True)
    begins_after = models.CharField(max_length=64, blank=True)
    gap_until = models.CharField(max_length=64, blank=True)
    told_by = models.CharField(max_length=180, blank=True)

    objects = FamilyRowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["family", "kind"], name="families_sync_family", condition=Q(family__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["connection", "kind"],
                name="families_sync_connection",
                condition=Q(connection__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(family__isnull=True) ^ Q(connection__isnull=True), name="families_sync_of_one"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="families_sync_due")]
