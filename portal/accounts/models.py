"""The people who use the portal."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.ids import PUBLIC_ID_LENGTH, new_public_id
from portal.text import SEARCHABLE_LENGTH, searchable


class Role(models.TextChoices):
    """What a person may do; which families they may do it with stands in families (limits and grants)."""

    MANAGER = "manager", _("Property manager")
    AUDITOR = "auditor", _("Auditor")
    FAMILY_ADMIN = "family_admin", _("Family admin")


class Theme(models.TextChoices):
    """The colours a person likes."""

    SYSTEM = "", _("As the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


# Auditors look, and touch nothing.
ACTORS = (Role.MANAGER, Role.FAMILY_ADMIN)


class UserManager(BaseUserManager["User"]):
    """Finds people by e-mail without regard to case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new person, saved. Without a password nobody can sign in as them until one is set."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who may sign in. The e-mail address is who they are, unique without regard to case."""

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    role = models.CharField(_("role"), max_length=20, choices=Role)
    is_limited = models.BooleanField(
        _("limited to properties"),
        default=False,
        help_text=_("A limited manager or auditor sees only the families of the properties given to them."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    language = models.CharField(_("language"), max_length=10, default=settings.LANGUAGE_CODE)
    theme = models.CharField(_("colours"), max_length=5, choices=Theme, blank=True, default=Theme.SYSTEM)
    # Until they have taken their invitation up they are not active. Nobody without it was ever signed in.
    joined_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Name and address as they are searched and sorted by; save() keeps it.
    search_text = models.CharField(max_length=SEARCHABLE_LENGTH, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_unique"),
            models.CheckConstraint(
                condition=models.Q(role__in=["manager", "auditor", "family_admin"]),
                name="accounts_user_role_known",
            ),
        ]
        indexes = [models.Index(fields=["search_text", "id"], name="accounts_user_name")]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        self.search_text = searchable(self.name, self.email)
        if update_fields is not None:
            update_fields = {*update_fields, "search_text"}
        super().save(*args, update_fields=update_fields, **options)

    @property
    def is_manager(self) -> bool:
        return self.role == Role.MANAGER

    @property
    def is_auditor(self) -> bool:
        return self.role == Role.AUDITOR

    @property
    def is_family_admin(self) -> bool:
        return self.role == Role.FAMILY_ADMIN

    @property
    def sees_all(self) -> bool:
        """Whether nothing limits what they see: what is asked for anybody like them may be made once for all."""
        return self.is_active and not (self.is_limited or self.is_family_admin)

    @property
    def may_act(self) -> bool:
        """Whether this person may change anything at all."""
        return self.is_active and self.role in ACTORS


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations to the portal."""

    def open(self) -> Self:
        """Those whose link still works: not used, not taken back, not too old."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A link sent to a person by which they join the portal, once. It holds for one address and one role.

    The person stands in the portal from the moment they are invited, with their role and scope, and is not
    active before they join. Only a digest of the link's secret is kept.
    """

    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH, unique=True, default=new_public_id, editable=False
    )
    person = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=20, choices=Role)
    secret_digest = models.CharField(max_length=64, unique=True)
    sent_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # When the mail with the link was handed over; null where that did not work.
    mailed_at = models.DateTimeField(null=True)
    # The press that sent it: the same press sends no second one.
    press = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 (null: sent without a press)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["person", "-sent_at"], name="accounts_invitation_person")]

    def __str__(self) -> str:
        return self.email


class GuessLimit(models.Model):
    """How much somebody has guessed lately: one row for whatever is counted (portal.accounts.guessing).

    ``key`` is a digest; no address and no name stands here. Rows that say nothing any more are deleted.
    """

    key = models.CharField(max_length=64, primary_key=True)
    # When the guesses made so far will have been paid for, one after the other, in milliseconds.
    paid_at_ms = models.BigIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    refused_since_ms = models.BigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["paid_at_ms"], name="accounts_guess_limit_paid")]

    def __str__(self) -> str:
        return self.key
