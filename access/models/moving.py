"""Move-outs: who leaves a family, what has to go with them, and the dated record of what is gone and what is left."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.models.passes import TempKey
from families.models import Family, FamilyRowQuerySet, Member
from portal.accounts.models import User
from portal.audit.models import Command
from portal.connections.models import Connection
from portal.ids import PUBLIC_ID_LENGTH, new_public_id


class MoveOutState(models.TextChoices):
    """Whether its steps are being taken. What is left of one that has ended goes by a person's next press."""

    RUNNING = "running", _("Under way")
    ENDED = "ended", _("Ended")


class MoveOutStep(models.TextChoices):
    """The steps in their order; ``MoveOut.step`` is the next one to take."""

    LOOK = "look", _("Reading people and passes")
    GRANTS = "grants", _("Ending what was granted in Gatehouse")
    SESSIONS = "sessions", _("Signing people out")
    PORTAL_INVITATIONS = "portal_invitations", _("Taking back invitations to Gatehouse")
    PERSONAL_CONNECTIONS = "personal_connections", _("Pausing people’s own connections")
    PASSES = "passes", _("Deleting passes")
    VISITOR_LINKS = "visitor_links", _("Ending links for visitors")
    OWNERSHIP = "ownership", _("Handing the family over")
    MEMBERS = "members", _("Removing members")
    READING = "reading", _("Reading everything back")


class ItemKind(models.TextChoices):
    """What has to go."""

    GRANT = "grant", _("The family in Gatehouse")
    SESSION = "session", _("Signed in to Gatehouse")
    PORTAL_INVITATION = "portal_invitation", _("Invitation to Gatehouse")
    PERSONAL_CONNECTION = "personal_connection", _("Own connection")
    PASS = "pass", _("Pass")
    VISITOR_LINK = "visitor_link", _("Link for a visitor")
    OWNERSHIP = "ownership", _("Ownership")
    MEMBER = "member", _("Member")
    UPSTREAM_INVITATION = "upstream_invitation", _("Invitation to the family")


# What several of a kind are called.
KIND_HEADINGS = {
    ItemKind.GRANT: _("Families given in Gatehouse"),
    ItemKind.SESSION: _("Signed in to Gatehouse"),
    ItemKind.PORTAL_INVITATION: _("Invitations to Gatehouse"),
    ItemKind.PERSONAL_CONNECTION: _("Own connections"),
    ItemKind.PASS: _("Passes"),
    ItemKind.VISITOR_LINK: _("Links for visitors"),
    ItemKind.OWNERSHIP: _("Ownership"),
    ItemKind.MEMBER: _("Members"),
    ItemKind.UPSTREAM_INVITATION: _("Invitations to the family"),
}


class ItemState(models.TextChoices):
    """What is known of an item. UNKNOWN is neither of the two before it: nobody could look, or no look can tell."""

    PLANNED = "planned", _("To go")
    GONE = "gone", _("Gone")
    LEFT = "left", _("Left")
    UNKNOWN = "unknown", _("Unknown")


NOT_GONE = (ItemState.PLANNED, ItemState.LEFT, ItemState.UNKNOWN)


class MoveOutQuerySet(FamilyRowQuerySet["MoveOut"]):
    """Move-outs, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those of the families within a manager's or an auditor's scope; none to a family admin."""
        return self.none() if user.is_family_admin else super().visible_to(user)


class MoveOut(models.Model):
    """A household, or some of its people, leave a family. One at a time for each family.

    ``is_whole``: everybody leaves, whoever is found meanwhile among them. ``all_passes``: every pass of the family
    goes, not only those made here by people who leave. Whom the family is handed to: ``new_owner``, else the
    account of ``owner_connection``; neither where the owner stays. ``acting`` is the person in whose name the steps
    of this ``attempt`` are taken, and whose right is asked at each of them. ``paused_at``: they lost it, for the reason of
    ``pause_reason``; it waits for somebody who takes it over. ``claimed_*``: one process takes the steps. ``entry`` is the number of the entry of the trail with which it began.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    # Of the form that began it: the same one sent twice begins one.
    press = models.CharField(max_length=64, unique=True)
    family = models.ForeignKey(Family, models.CASCADE, related_name="move_outs")
    family_name = models.TextField()
    is_whole = models.BooleanField()
    all_passes = models.BooleanField()
    reason = models.TextField(blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_by_name = models.CharField(max_length=320)
    acting = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    new_owner = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    owner_connection = models.ForeignKey(Connection, models.SET_NULL, null=True, related_name="+")
    new_owner_name = models.TextField(blank=True)
    next_begins_on = models.DateField(null=True)
    state = models.CharField(max_length=10, choices=MoveOutState, default=MoveOutState.RUNNING)
    step = models.CharField(max_length=24, choices=MoveOutStep, default=MoveOutStep.LOOK)
    attempt = models.SmallIntegerField(default=1)
    attempt_at = models.DateTimeField(default=timezone.now)
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.TextField(blank=True)
    claimed_by = models.CharField(max_length=36, blank=True)
    claimed_until = models.DateTimeField(null=True)
    entry = models.BigIntegerField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = MoveOutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["family"], name="access_move_out_one", condition=Q(state="running")
            )
        ]
        indexes = [
            models.Index(fields=["-made_at", "-id"], name="access_move_out_newest"),
            models.Index(fields=["family", "-made_at"], name="access_move_out_family"),
        ]

    def __str__(self) -> str:
        return self.family_name

    def press_for(self, step: str) -> str:
        """The name of this attempt's press at a step: whoever goes on after a crash finds what became of it."""
        return f"move-{self.public_id}-{self.attempt}-{step}"


class MoveOutItem(models.Model):
    """One thing that has to go with those who leave, and what is known of it.

    ``key`` is what it is, within its kind; ``subject`` and ``detail`` say it as text, which outlives the rows. ``entry`` is the
    number of the entry of the trail that tells of its end here, ``command`` that of its end at the upstream.
    ``look_until``: nobody can take it back; until then it may still take effect.
    """

    move_out = models.ForeignKey(MoveOut, models.CASCADE, related_name="items")
    number = models.IntegerField()
    kind = models.CharField(max_length=24, choices=ItemKind)
    key = models.CharField(max_length=64)
    subject = models.TextField()
    detail = models.TextField(blank=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    member = models.ForeignKey(Member, models.SET_NULL, null=True, related_name="+")
    temp_key = models.ForeignKey(TempKey, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=ItemState, default=ItemState.PLANNED)
    words = models.TextField(blank=True)
    command = models.ForeignKey(Command, models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    entry = models.BigIntegerField(null=True)
    looked_at = models.DateTimeField(null=True)
    look_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["move_out", "kind", "key"], name="access_move_out_item_unique")
        ]
        indexes = [
            models.Index(
                fields=["move_out"],
                name="access_move_out_left",
                # Not a list of states: SQLite does not see that a list of parameters is that of the condition.
                condition=~Q(state="gone"),
            )
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing more to look for: it is gone, or can take effect no more."""
        if self.state == ItemState.GONE:
            return True
        is_over = self.look_until is not None and self.look_until <= timezone.now()
        return is_over and self.state == ItemState.UNKNOWN


class MoveOutReading(models.Model):
    """A record: what was gone and what was left when everything was read back. Never changed; a later look makes another.

    ``text`` is the whole record in a canonical form, ``digest`` its SHA-256, which the entry ``entry`` of the trail holds too.
    """

    move_out = models.ForeignKey(MoveOut, models.CASCADE, related_name="readings")
    number = models.IntegerField()
    at = models.DateTimeField()
    by_name = models.CharField(max_length=320)
    has_members = models.BooleanField()
    has_passes = models.BooleanField()
    gone = models.IntegerField()
    left = models.IntegerField()
    unknown = models.IntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)
    entry = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["move_out", "number"], name="access_move_out_reading_unique")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.digest}"
