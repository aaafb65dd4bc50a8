"""Why nothing was sent about the members of a family, in words for people."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from families.models import Member
from families.selectors import is_now


class MemberRefused(Exception):
    """Nothing was sent: what was asked cannot be, or is not what whoever asked believes. ``words`` say why."""

    def __init__(self, *members: Member) -> None:
        super().__init__(", ".join(member.public_id for member in members))
        self.members = members

    @property
    def words(self) -> str:
        """What is wrong, what became of it, and what to do."""
        raise NotImplementedError

    @property
    def names(self) -> dict[str, str]:
        """The members it is about, for the words."""
        return {"names": ", ".join(member.name for member in self.members)}


class NobodyChosen(MemberRefused):
    """A batch of nobody."""

    @property
    def words(self) -> str:
        return _("Nobody was chosen. Nothing was sent.")


class RightsNotGiven(MemberRefused):
    """Rights that cannot be given to anybody: only administrator and member can."""

    @property
    def words(self) -> str:
        return _(
            "Somebody is made an administrator or a member. A family is handed to another owner, not given by rights."
        )


class OwnerKept(MemberRefused):
    """The owner is among those to be changed or removed."""

    @property
    def words(self) -> str:
        words = _(
            "%(names)s owns the family, and stays as they are. Nothing was sent: hand the family over first."
        )
        return words % self.names


class OwnAccount(MemberRefused):
    """An account through which the portal reaches the family is among them."""

    @property
    def words(self) -> str:
        words = ngettext(
            "Through the account %(names)s the portal reaches this family. Nothing was sent: it stays as it is.",
            "Through the accounts %(names)s the portal reaches this family. Nothing was sent: they stay as they are.",
            len(self.members),
        )
        return words % self.names


class LastAdministrator(MemberRefused):
    """Nobody would be left who administers the family."""

    @property
    def words(self) -> str:
        words = _(
            "Without %(names)s nobody would look after this family. Nothing was sent: make somebody else an administrator first."
        )
        return words % self.names


class MemberGone(MemberRefused):
    """They are not in the family any more."""

    @property
    def words(self) -> str:
        words = ngettext(
            "%(names)s is not in this family any more. Nothing was sent.",
            "%(names)s are not in this family any more. Nothing was sent.",
            len(self.members),
        )
        return words % self.names


class MemberChanged(MemberRefused):
    """Their rights are others than whoever asks has seen; each member holds what is true now."""

    @property
    def words(self) -> str:
        told = " ".join(is_now(member.name, member.auth) for member in self.members)
        words = _(
            "This changed meanwhile. %(told)s Nothing was sent: look, and send it again if you still want it."
        )
        return words % {"told": told}


class BeingChanged(MemberRefused):
    """A command of somebody else about them is on its way at this moment."""

    @property
    def words(self) -> str:
        words = _(
            "Somebody else is changing %(names)s at this moment. Nothing was sent: look again in a few seconds."
        )
        return words % self.names


class BeingAdded(BeingChanged):
    """Somebody else brings this address into the family at this moment."""

    def __init__(self, email: str) -> None:
        super().__init__()
        self.email = email

    @property
    def words(self) -> str:
        words = _(
            "Somebody else is adding or inviting %(email)s at this moment. Nothing was sent: look again in a few seconds."
        )
        return words % {"email": self.email}


class NothingToChange(MemberRefused):
    """All of them have these rights already."""

    @property
    def words(self) -> str:
        words = ngettext(
            "%(names)s has these rights already. Nothing was sent.",
            "%(names)s have these rights already. Nothing was sent.",
            len(self.members),
        )
        return words % self.names


class AlreadyThere(MemberRefused):
    """The address is a member's, perhaps written with other capitals."""

    @property
    def words(self) -> str:
        [member] = self.members
        words = _("%(name)s is in this family already, as %(email)s. Nothing was sent.")
        return words % {"name": member.name, "email": member.email}


class AlreadyOwner(MemberRefused):
    """The family is theirs already."""

    @property
    def words(self) -> str:
        return _("%(names)s owns the family already. Nothing was sent.") % self.names


class AlreadyJoined(MemberRefused):
    """The connection reaches this family already."""

    @property
    def words(self) -> str:
        return _("The account of this connection is in this family already. Nothing was sent.")
