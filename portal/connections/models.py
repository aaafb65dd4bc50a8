"""The accounts at the upstream that the portal speaks through."""

import uuid
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.models import Role, User
from portal.connections.sealed import SealedTextField
from portal.ids import PUBLIC_ID_LENGTH, new_public_id

# An answer that is not as it should be is told of when none was good for so long: one family's proves nothing.
BAD_AFTER = timedelta(seconds=90)


class SignIn(models.TextChoices):
    """How a connection came by its token."""

    TOKEN = "token", _("Pasted token")
    PASSWORD = "password", _("User name and password")
    CODE = "code", _("Sign-in in the browser")


class Health(models.TextChoices):
    """How a connection does. Only a person brings a signed-out one back."""

    GOOD = "good", _("Working")
    FAILING = "failing", _("Not answering")
    SIGNED_OUT = "signed_out", _("Signed out")


class ConnectionQuerySet(models.QuerySet["Connection"]):
    """Connections, as somebody may see them."""

    def visible_to(self, user: User) -> Self:
        """All to an unlimited manager; their own personal one to everybody else."""
        if not user.is_active:
            return self.none()
        return self if user.is_manager and not user.is_limited else self.filter(owner=user)

    def of_the_organisation(self) -> Self:
        """Those that are nobody's own, removed ones among them."""
        return self.filter(owner=None)

    def there(self) -> Self:
        """Those that were not removed."""
        return self.filter(removed_at=None)

    def without_secrets(self) -> Self:
        """The same rows, for reading what may be shown: nothing sealed comes along, but whether there is a renewal."""
        has_renewal = models.ExpressionWrapper(
            models.Q(refresh_token__isnull=False), output_field=models.BooleanField()
        )
        return self.defer("client_secret", "access_token", "refresh_token").annotate(has_renewal=has_renewal)

    def usable(self) -> Self:
        """Those that calls may be tried on: not paused, removed or signed out, nor of somebody who may have none."""
        return (
            self.there()
            .filter(paused_at=None)
            .exclude(health=Health.SIGNED_OUT)
            .exclude(owner__is_active=False)
            .exclude(owner__role=Role.AUDITOR)
        )

    def callable_at(self, moment: datetime) -> Self:
        """Those that background work may call at this moment: usable, not asked to wait, and not resting."""
        held = models.Q(hold_until=None) | models.Q(hold_until__lte=moment)
        return self.usable().filter(held, open_until=None)

    def answering_badly(self) -> Self:
        """Those that answer, but nothing good for a while: see ``Connection.answers_badly``."""
        since = timezone.now() - BAD_AFTER
        is_old = models.Q(last_good_at=None) | models.Q(last_good_at__lt=since)
        return self.filter(is_old, health=Health.GOOD).exclude(last_error="")


class Connection(models.Model):
    """One upstream account, with its token. Without an owner it is the organisation's; else a person's own, their only one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    name = models.CharField(max_length=100)
    base_url = models.CharField(max_length=300)
    sign_in = models.CharField(max_length=10, choices=SignIn)
    username = models.CharField(max_length=254, blank=True)
    client_id = models.CharField(max_length=200, blank=True)
    client_secret = SealedTextField(null=True, editable=True)
    access_token = SealedTextField(null=True, editable=True)
    refresh_token = SealedTextField(null=True, editable=True)
    expires_at = models.DateTimeField(null=True)
    renewed_at = models.DateTimeField(null=True)
    # One refresh among all callers: whoever holds the lease renews, the others wait for the next version.
    token_version = models.IntegerField(default=1)
    refresh_lease_until = models.DateTimeField(null=True)
    history_zone = models.CharField(max_length=64, default="UTC")
    calls_per_minute = models.IntegerField(default=6_000)
    # How many families its account was last told of: of a personal one the portal knows only some.
    families_listed = models.IntegerField(null=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="connections"
    )
    health = models.CharField(max_length=12, choices=Health, default=Health.GOOD)
    health_since = models.DateTimeField(default=timezone.now)
    last_good_at = models.DateTimeField(null=True)
    # While the health is good: what was not as it should be, until the next good call.
    last_error = models.TextField(blank=True)
    failures = models.IntegerField(default=0)
    # The last calls that got no answer, while nothing else was answered: when (seconds since 1970), about what.
    recent_failures = models.JSONField(default=list)
    hold_until = models.DateTimeField(null=True)
    # While it is open nothing is sent before this moment; then one caller asks whether it is back.
    open_until = models.DateTimeField(null=True)
    # When the managers were told that this sign-in is over: once for each time.
    told_at = models.DateTimeField(null=True)
    # Somebody is at it, or it could not be sent: no mail is tried before this moment.
    tell_after = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    # Nothing is called through it ever again, and its tokens are gone; what it brought is still shown.
    removed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="connections_name_unique",
                condition=models.Q(owner=None, removed_at=None),
            ),
            models.UniqueConstraint(
                fields=["owner"],
                name="connections_one_own",
                condition=models.Q(owner__isnull=False, removed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def sign_in_can_renew(self) -> bool:
        """Whether there is a refresh token. Decrypts nothing; costs a query where the field was deferred."""
        if "refresh_token" in self.__dict__:
            return bool(self.__dict__["refresh_token"])
        if "has_renewal" in self.__dict__:
            return bool(self.__dict__["has_renewal"])
        return Connection.objects.filter(pk=self.pk, refresh_token__isnull=False).exists()

    @property
    def answers_badly(self) -> bool:
        """Whether it answers, but has answered nothing good for a while: refusals only, or what cannot be read."""
        if self.health != Health.GOOD or not self.last_error:
            return False
        return self.last_good_at is None or timezone.now() - self.last_good_at > BAD_AFTER

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that this account's history is written in."""
        return ZoneInfo(self.history_zone)


class CallCount(models.Model):
    """How many upstream calls one connection made in one minute (UTC), counted before each is sent."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="call_counts")
    minute = models.DateTimeField()
    calls = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "minute"], name="connections_callcount_unique")
        ]


class PendingSignIn(models.Model):
    """A sign-in in the browser that somebody began at the upstream and has not come back from yet.

    The upstream brings ``state`` back, of which only a digest is kept; it counts once, for the person who began,
    and not for long. The client secret waits here, sealed, and never in a session.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state_digest = models.CharField(max_length=64, unique=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # The connection to renew; none for a new one.
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="+")
    is_personal = models.BooleanField(default=False)
    name = models.CharField(max_length=100)
    base_url = models.CharField(max_length=300)
    client_id = models.CharField(max_length=200)
    client_secret = SealedTextField(null=True, editable=True)
    history_zone = models.CharField(max_length=64, default="UTC")
    calls_per_minute = models.IntegerField()
    expires_at = models.DateTimeField()
