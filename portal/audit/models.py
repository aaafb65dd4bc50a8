"""What was done through the portal: commands on their way, and the trail of entries that is never changed."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.ids import PUBLIC_ID_LENGTH, new_public_id


class State(models.TextChoices):
    """Where a command stands. All but the first two are outcomes; a later look may still settle an unknown one."""

    INTENT = "intent", _("On its way")
    SENT = "sent", _("Sent")
    SUCCEEDED = "succeeded", _("Done")
    REFUSED = "refused", _("Refused")
    NOT_SENT = "not_sent", _("Not sent")
    UNKNOWN = "unknown", _("Unknown")
    CONFIRMED_BY_HISTORY = "confirmed_by_history", _("Seen in the log")
    NO_TRACE = "no_trace", _("No trace in the log")
    CLOSED_BY_USER = "closed_by_user", _("Closed by a person")


OPEN_STATES = (State.INTENT, State.SENT)
# All but what was refused, never left, or left no trace: also what a person closed, which may have been done.
MAY_HAVE_BEEN_SENT = (
    *OPEN_STATES,
    *(State.SUCCEEDED, State.UNKNOWN, State.CONFIRMED_BY_HISTORY, State.CLOSED_BY_USER),
)


class Actor(models.TextChoices):
    """Who acts in the trail."""

    PERSON = "person", _("A person")
    OPERATOR = "operator", _("The operator")
    SYSTEM = "system", _("The system")
    VISITOR = "visitor", _("A visitor")


class CommandQuerySet(models.QuerySet["Command"]):
    """Commands, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """Those about families within the person's scope, and their own outside of any; a family admin's own only."""
        return self.filter(_scope(user)) if user.is_active else self.none()


class Command(models.Model):
    """One upstream command that somebody asked for: made once per press, sent at most once.

    The only mutable row of the trail: each step is a conditional update with an Entry beside it.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    press = models.CharField(max_length=64, unique=True)
    command_id = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=64)
    event = models.CharField(max_length=40)
    state = models.CharField(max_length=24, choices=State, default=State.INTENT)
    actor_kind = models.CharField(max_length=10, choices=Actor)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="commands"
    )
    actor_name = models.CharField(max_length=320)
    connection_name = models.CharField(max_length=100)
    family = models.ForeignKey(
        "families.Family", models.DO_NOTHING, null=True, db_constraint=False, related_name="commands"
    )
    family_name = models.TextField(blank=True)
    object_kind = models.CharField(max_length=20, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.TextField(blank=True)
    parameters = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    words = models.TextField(blank=True)
    error = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    deadline_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    upstream_clock_ms = models.BigIntegerField(null=True)
    # When two good readings of the log after its time had not shown what it did, though it was accepted.
    not_seen_at = models.DateTimeField(null=True)

    objects = CommandQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["state", "deadline_at"],
                name="audit_command_open",
                condition=Q(state__in=["intent", "sent"]),
            ),
            models.Index(fields=["family", "name", "-created_at"], name="audit_command_family"),
            models.Index(fields=["actor", "name", "-created_at"], name="audit_command_actor"),
            models.Index(fields=["object_kind", "object_id", "-created_at"], name="audit_command_object"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.command_id}"

    @property
    def state_now(self) -> str:
        """Where it stands at this moment: the stored state, and for one whose process died what that means.

        Never claimed until its deadline: it was not sent, since a claim after it is refused. Claimed: unknown.
        The worker writes the same down a little later.
        """
        if not self.is_open or self.deadline_at >= timezone.now():
            return self.state
        return State.NOT_SENT if self.state == State.INTENT else State.UNKNOWN

    @property
    def is_open(self) -> bool:
        """Whether the outcome is still to come."""
        return self.state in OPEN_STATES


class EntryQuerySet(models.QuerySet["Entry"]):
    """Entries, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """All for an unlimited manager or auditor; for a limited one those within their properties and what they did
        outside of any family; none for others.
        """
        if not user.is_active or not (user.is_manager or user.is_auditor):
            return self.none()
        return self.filter(_scope(user))


class Entry(models.Model):
    """One step of something done through the portal, as it was when it happened. Never changed, never deleted.

    ``mac`` chains it to the entry before: HMAC(key, previous mac ‖ canonical). ``canonical`` holds the exact text
    that was signed; every other column must agree with it. Names stand as text beside the keys, so that the
    entry outlives what it speaks of.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    event = models.CharField(max_length=40)
    phase = models.CharField(max_length=24, blank=True)
    outcome = models.CharField(max_length=24, blank=True)
    actor_kind = models.CharField(max_length=10, choices=Actor)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="entries"
    )
    actor_name = models.CharField(max_length=320)
    role = models.CharField(max_length=20, blank=True)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    family = models.ForeignKey(
        "families.Family", models.DO_NOTHING, null=True, db_constraint=False, related_name="entries"
    )
    family_name = models.TextField(blank=True)
    object_kind = models.CharField(max_length=20, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.TextField(blank=True)
    parameters = models.TextField(default="{}")
    command_id = models.CharField(max_length=40, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    upstream_status = models.IntegerField(null=True)
    words = models.TextField(blank=True)
    duration_ms = models.IntegerField(null=True)
    reason = models.TextField(blank=True)
    key_id = models.CharField(max_length=16)
    canonical = models.TextField()
    mac = models.CharField(max_length=64)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["-at", "-number"], name="audit_entry_newest"),
            models.Index(fields=["family", "-number"], name="audit_entry_family"),
            models.Index(fields=["command_id"], name="audit_entry_command"),
            models.Index(fields=["event", "-number"], name="audit_entry_event"),
            models.Index(fields=["actor", "-number"], name="audit_entry_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.event}"


def _scope(user: User) -> Q:
    if user.is_family_admin:
        return Q(actor=user)
    if user.is_limited:
        # A subquery, not a join over the limits: that would give a row once for each person who is limited likewise.
        of_theirs = Q(family__property__in=user.property_limits.values("property"))
        # What they did in a family that is theirs no more names it, and is not theirs to read any more either.
        return of_theirs | Q(actor=user, family=None)
    return Q()
