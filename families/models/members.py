"""The people of families: members, the accounts through which the portal reaches a family, and invitations."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from families.models.families import Family, FamilyRowQuerySet, HistoryQuerySet
from portal.accounts.models import User
from portal.audit.models import Command
from portal.connections.models import Connection, Health
from portal.ids import PUBLIC_ID_LENGTH, new_public_id
from portal.text import SEARCHABLE_LENGTH


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
        return self.for_acting().filter(family=family).select_related("connection").first()

    def for_acting(self) -> Self:
        """Those through which something can be done now; of each family the one that acts in it comes first."""
        rank = Case(When(auth=Rights.ADMIN, then=0), When(auth=Rights.USER, then=1), default=2)
        return self.working().order_by(rank, "first_seen_at", "pk")

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


class FamilyInvitationQuerySet(HistoryQuerySet["FamilyInvitation"]):
    """Invitations, as somebody may see them: a family admin none from before the start of their grant."""

    moment = "sent_at"


class FamilyInvitation(models.Model):
    """An invitation to join a family that the portal had sent: the upstream keeps no list of them."""

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    family = models.ForeignKey(Family, models.CASCADE, related_name="invitations")
    command = models.OneToOneField(Command, models.DO_NOTHING, db_constraint=False, related_name="invitation")
    email = models.EmailField(max_length=254)
    auth = models.CharField(max_length=64)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(null=True)
    # Somebody said that it need not be looked after any more; the upstream cannot take one back.
    forgotten_at = models.DateTimeField(null=True)

    objects = FamilyInvitationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["family", "-sent_at"], name="families_invitation_family")]

    def __str__(self) -> str:
        return self.email
