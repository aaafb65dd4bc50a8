"""Families as the upstream knows them, and what is ours beside them: properties, grants, invitations."""

import builtins
from datetime import datetime
from typing import Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.audit.models import Command
from portal.connections.models import Connection, Health
from portal.ids import PUBLIC_ID_LENGTH, new_public_id
from portal.text import SEARCHABLE_LENGTH

FamilyRow = TypeVar("FamilyRow", bound=models.Model)


class PropertyQuerySet(models.QuerySet["Property"]):
    """Properties, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """All to an unlimited manager or auditor, the given ones to a limited one, none to a family admin."""
        if not user.is_active or user.is_family_admin:
            return self.none()
        return self.filter(limits__person=user) if user.is_limited else self


class Property(models.Model):
    """A building or estate of ours: families are put in one or none, and its time zone is theirs."""

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    name = models.CharField(max_length=100, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC")

    objects = PropertyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "properties"
        constraints = [models.UniqueConstraint(Lower("name"), name="families_property_name_unique")]

    def __str__(self) -> str:
        return self.name


class PropertyLimit(models.Model):
    """A limited manager or auditor may see the families of this property."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="property_limits")
    property = models.ForeignKey(Property, models.CASCADE, related_name="limits")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "property"], name="families_limit_unique")]


class FamilyQuerySet(models.QuerySet["Family"]):
    """Families, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """The families this person may look at now: the only way any page or action comes by one."""
        if not user.is_active:
            return self.none()
        if user.is_family_admin:
            return self.filter(Exists(Grant.objects.now().filter(person=user, family=OuterRef("pk"))))
        if user.is_limited:
            return self.filter(property__limits__person=user)
        return self


class Family(models.Model):
    """A household at the upstream (a residence). Never deleted: marked gone when it is no longer there."""

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    residence_id = models.CharField(max_length=128, unique=True)
    name = models.TextField()
    search_text = models.CharField(max_length=SEARCHABLE_LENGTH, blank=True)
    is_online = models.BooleanField(default=False)
    is_installed = models.BooleanField(default=False)
    property = models.ForeignKey(Property, models.SET_NULL, null=True, blank=True, related_name="families")
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    online_changed_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = FamilyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "families"
        indexes = [models.Index(fields=["search_text", "id"], name="families_family_name")]

    def __str__(self) -> str:
        return self.name

    @builtins.property
    def time_zone(self) -> str:
        """The zone its times are told in: its property's, else UTC."""
        return self.property.time_zone if self.property else "UTC"


class FamilyRowQuerySet(models.QuerySet[FamilyRow]):
    """Rows that each belong to a family, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those of the families the person may look at."""
        if user.is_active and not (user.is_limited or user.is_family_admin):
            return self
        return self.filter(family__in=Family.objects.visible_to(user))


class HistoryQuerySet(FamilyRowQuerySet[FamilyRow]):
    """The same for what happened at a time (``at``): nobody sees what was before they were given the family."""

    def visible_to(self, user: User) -> Self:
        """Those of the person's families; for a family admin only what came after the start of their grant."""
        if user.is_active and user.is_family_admin:
            return self.filter(within_grant(user))
        if user.is_active and user.is_limited:
            # Not family IN (…): with that SQLite reads and sorts all history of these families for one page of it.
            return self.filter(Exists(Family.objects.visible_to(user).filter(pk=OuterRef("family"))))
        return super().visible_to(user)


class Rights(models.TextChoices):
    """What a member may do in a family, in the upstream's words; an unknown one is shown as it came."""

    ADMIN = "admin", _("Owner")
    USER = "user", _("Administrator")
    GUEST = "guest", _("Member")


class Member(models.Model):
    """An account in a family. Never deleted: marked gone when a command of ours or two answers say so."""

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    family = models.ForeignKey(Family, models.CASCADE, related_name="members")
    account_id = models.CharField(max_length=128)
    account_name = models.TextField(blank=True)
    first_name = models.TextField(blank=True)
    last_name = models.TextField(blank=True)
    email = models.TextField(blank=True)
    auth = models.CharField(max_length=64, blank=True)
    search_text = models.CharField(max_length=SEARCHABLE_LENGTH, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    missing_answers = models.SmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = FamilyRowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family", "account_id"], name="families_member_unique")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """First and last name, else the account's name, else the e-mail."""
        return f"{self.first_name} {self.last_name}".strip() or self.account_name or self.email

    @property
    def rights(self) -> str:
        """Owner, administrator or member; an unknown right as the upstream wrote it."""
        return str(Rights(self.auth).label) if self.auth in Rights.values else self.auth


class ReachQuerySet(models.QuerySet["Reach"]):
    """Reaches."""

    def working(self) -> Self:
        """Those of the organisation through which something can be done now."""
        return self._usable().filter(connection__owner=None)

    def to_act_in(self, family: Family) -> "Reach | None":
        """The organisation's account that acts in this family: the one with the most rights; None where there is none.

        Brings its connection along.
        """
        rank = Case(When(auth=Rights.ADMIN, then=0), When(auth=Rights.USER, then=1), default=2)
        found = self.working().filter(family=family).select_related("connection")
        return found.order_by(rank, "first_seen_at", "pk").first()

    def own_of(self, user: User, family: Family) -> "Reach | None":
        """The person's own account in this family, for their own PIN, NFC, Bluetooth and face; None without one.

        Brings its connection along. Nobody else acts through it, and it says nothing of what they may see: the
        family is one that was asked of ``visible_to``.
        """
        if not user.may_act:
            return None
        found = self._usable().filter(connection__owner=user, family=family)
        return found.select_related("connection").order_by("first_seen_at", "pk").first()

    def _usable(self) -> Self:
        found = self.filter(gone_at=None, connection__paused_at=None, connection__removed_at=None)
        return found.exclude(connection__health=Health.SIGNED_OUT)


class Reach(models.Model):
    """A connection's account in a family: through it the portal reads that family and acts in it."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="reaches")
    family = models.ForeignKey(Family, models.CASCADE, related_name="reaches")
    account_id = models.CharField(max_length=128)
    auth = models.CharField(max_length=64, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    missing_answers = models.SmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "reaches"
        constraints = [models.UniqueConstraint(fields=["connection", "family"], name="families_reach_unique")]

    @property
    def rights(self) -> str:
        """Owner, administrator or member; an unknown right as the upstream wrote it, "" where it was not read."""
        return str(Rights(self.auth).label) if self.auth in Rights.values else self.auth


class GrantQuerySet(models.QuerySet["Grant"]):
    """Grants."""

    def now(self, at: datetime | None = None) -> Self:
        """Those in force at ``at`` (by default this moment): begun, not ended, not suspended."""
        moment = at or timezone.now()
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=moment), starts_at__lte=moment, suspended_at=None)

    def starts_of(self, person: User) -> dict[int, datetime]:
        """Since when this person's grants in force show each family, by the family's number. One query."""
        starts: dict[int, datetime] = {}
        for family_id, start in self.now().filter(person=person).values_list("family", "starts_at"):
            starts[family_id] = min(start, starts.get(family_id, start))
        return starts


class Grant(models.Model):
    """A family admin may look after this family from a moment on, and sees nothing that was before it."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="grants")
    family = models.ForeignKey(Family, models.CASCADE, related_name="grants")
    member = models.ForeignKey(Member, models.SET_NULL, null=True, blank=True, related_name="grants")
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    # Given by a manager: this person may invite other members of the family to the portal, for this family.
    may_invite = models.BooleanField(default=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["person", "family"], name="families_grant_person")]


class FamilyInvitation(models.Model):
    """An invitation to join a family that the portal had sent: the upstream keeps no list of them."""

    family = models.ForeignKey(Family, models.CASCADE, related_name="invitations")
    command = models.OneToOneField(Command, models.DO_NOTHING, db_constraint=False, related_name="invitation")
    email = models.EmailField(max_length=254)
    auth = models.CharField(max_length=64)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["family", "-sent_at"], name="families_invitation_family")]

    def __str__(self) -> str:
        return self.email


class Change(models.Model):
    """Something a sync found different from before that no command of ours explains."""

    family = models.ForeignKey(Family, models.CASCADE, related_name="changes")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=32)
    subject = models.TextField()
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["family", "-at"], name="families_change_family")]


class Kind(models.TextChoices):
    """What is kept in step with the upstream."""

    FAMILIES = "families", _("Families")
    MEMBERS = "members", _("Members")
    DEVICES = "devices", _("Doors")
    OPENINGS = "openings", _("Openings")
    CALLS = "calls", _("Calls")


class SyncState(models.Model):
    """How far one kind of thing is in step: for a family, or (the list of families) for a connection.

    ``lease_until`` and ``fence``: whoever claims a state raises the fence and may write only while it holds.
    ``answer_*``: what the history algorithm must remember of the last good answer, as the upstream wrote it.
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


def within_grant(user: User) -> Q:
    """Rows with a ``family`` and an ``at`` that lie after the start of a grant the person holds now."""
    return Q(
        Exists(
            Grant.objects.now().filter(person=user, family=OuterRef("family"), starts_at__lte=OuterRef("at"))
        )
    )
