"""Passes: what the upstream calls temp keys, as the account of one connection has them in one family."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from families.models import Family, HistoryQuerySet, Reach
from portal.accounts.models import User
from portal.audit.models import Command
from portal.ids import PUBLIC_ID_LENGTH, new_public_id
from portal.text import SEARCHABLE_LENGTH

# Since when a pass may have been there that stood in the first list of its account: nobody knows.
SINCE_EVER = datetime(2000, 1, 1, tzinfo=UTC)


class TempKeyQuerySet(HistoryQuerySet["TempKey"]):
    """Passes, as somebody may see them: a family admin none that may be from before the start of their grant."""

    moment = "made_after"


class TempKey(models.Model):
    """A pass of an account in a family: ours with a label, or made elsewhere and only seen.

    Its digits are never kept: ``fingerprint`` is a keyed digest of them with residence and account in it, by which a
    later list finds it again; "" while we do not know which of the upstream's it is. ``at`` is when it was made here,
    or first seen; ``made_after`` is a moment at which it surely was not there yet. The window is in UTC; where the
    upstream's text could not be read it is empty, and ``raw_window`` says what came. ``sorted_at`` is where it stands
    in lists: its end, without one when it was first seen. ``deletion`` is the last command that may have deleted it.
    Never deleted here: ``gone_at`` marks one that the upstream names no more.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    reach = models.ForeignKey(Reach, models.CASCADE, related_name="temp_keys")
    # A connection that is signed in anew may be another account's: whose passes these are is told by both.
    account_id = models.CharField(max_length=128, blank=True)
    family = models.ForeignKey(Family, models.CASCADE, related_name="temp_keys", db_index=False)
    fingerprint = models.CharField(max_length=64, blank=True)
    label = models.CharField(max_length=100, blank=True)
    visitor_name = models.CharField(max_length=100, blank=True)
    visitor_email = models.EmailField(max_length=254, blank=True)
    note = models.CharField(max_length=300, blank=True)
    search_text = models.CharField(max_length=SEARCHABLE_LENGTH, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    command = models.OneToOneField(
        Command, models.DO_NOTHING, null=True, db_constraint=False, related_name="temp_key"
    )
    deletion = models.ForeignKey(
        Command, models.DO_NOTHING, null=True, db_constraint=False, related_name="deleted_temp_keys"
    )
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    raw_window = models.CharField(max_length=140, blank=True)
    uses = models.IntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)
    made_after = models.DateTimeField(default=timezone.now)
    sorted_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    missing_answers = models.SmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = TempKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reach", "fingerprint"],
                name="access_temp_key_unique",
                condition=~Q(fingerprint="") & Q(gone_at=None),
            )
        ]
        indexes = [
            models.Index(fields=["family", "-sorted_at", "-id"], name="access_temp_key_family"),
            models.Index(fields=["-sorted_at", "-id"], name="access_temp_key_place"),
            models.Index(
                fields=["family"],
                name="access_temp_key_unmatched",
                condition=Q(fingerprint="", gone_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def is_ours(self) -> bool:
        """Whether it was made here: then it has a maker, or the command that made it."""
        return self.made_by_id is not None or self.command_id is not None

    @property
    def is_unmatched(self) -> bool:
        """Whether it was asked for, and nobody knows yet which of the upstream's it is, or whether it was made."""
        return not self.fingerprint and self.gone_at is None

    def may_be_managed_by(self, user: User) -> bool:
        """Whether this person may show its code, hand it over, say something else of it, tell which it is and delete it.

        Of those they may see: a family admin only what they made or asked for.
        """
        return bool(user.may_act) and (not user.is_family_admin or self.made_by_id == user.pk)
