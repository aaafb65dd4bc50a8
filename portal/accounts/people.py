"""Makes and changes the people who may sign in. Rights to properties and families are given elsewhere."""

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.dispatch import Signal
from django.utils.translation import gettext as _

from portal.accounts.models import Role, User
from portal.web.typed import check_own_letters

LONGEST_PASSWORD = 1_000
# Sent with ``user`` in the transaction in which somebody gets a new password by a link.
password_replaced = Signal()


class PersonRefused(Exception):
    """A person cannot be made or changed like this; the text says why. Nothing was stored."""


class LastManager(PersonRefused):
    """The last active unlimited manager must stay one: nobody else could give anybody a right."""


def checked_email(text: str) -> str:
    """One e-mail address in lower case; raises PersonRefused."""
    try:
        # Before it is in lower case, which takes the difference away.
        check_own_letters(text)
    except ValidationError as error:
        raise PersonRefused(" ".join(error.messages)) from None
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise PersonRefused(_("“%(typed)s” is not one e-mail address.") % {"typed": email[:100]}) from None
    if len(email) > 254:
        raise PersonRefused(_("An address has at most %(limit)d characters.") % {"limit": 254})
    return email


def check_password(password: str, user: User) -> None:
    """Raises PersonRefused with every reason why the password is too weak for ``user``, who need not be saved."""
    if len(password) > LONGEST_PASSWORD:
        raise PersonRefused(_("A password has at most %(limit)d characters.") % {"limit": LONGEST_PASSWORD})
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PersonRefused(" ".join(error.messages)) from None


def verify_address(user: User) -> None:
    """Make the person's e-mail address a verified one: allauth refuses the second factor otherwise."""
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )


def keep_a_manager(user: User, *, role: str, is_limited: bool, is_active: bool = True) -> None:
    """Raises LastManager when the change would leave nobody who is an active unlimited manager.

    To be called in the transaction of the change: two changes at once wait for each other.
    """
    unlimited = User.objects.filter(role=Role.MANAGER, is_limited=False, is_active=True)
    if role == Role.MANAGER and not is_limited and is_active:
        return
    # Locked in one order, so that two demotions at once cannot each see the other as the one who stays.
    others = list(unlimited.select_for_update().order_by("pk").values_list("pk", flat=True))
    if user.pk in others and len(others) == 1:
        raise LastManager(
            _("%(person)s is the last manager of everything. Make another one first.")
            % {"person": user.email}
        )
