"""Reads what a pass's own page says beside the pass: the doors, the account, who has handed it over, words for a visitor."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from django.db.models import Q
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import Relay, TempKey
from access.selectors.passes import PassState, state_of
from families.models import Family, Member, Reach
from portal.accounts.models import User
from portal.audit.models import Actor, Entry
from portal.audit.selectors import Line
from portal.web.templatetags.web import in_fours
from portal.web.zones import zone_called

MOST_DOORS = 30
MOST_LINES = 40
# Where a pass stands when its link has something to show its visitor, and when there is something to hand over.
_TO_SHOW = {PassState.COMING, PassState.LIVE}
_TO_HAND_OVER = {*_TO_SHOW, PassState.UNREAD}


def get_pass(user: User, public_id: str) -> TempKey:
    """The pass, if the person may see it, with all that its page shows; raises TempKey.DoesNotExist. One query."""
    found = TempKey.objects.visible_to(user).filter(public_id=public_id)
    return found.select_related(
        "family__property", "made_by", "command", "deletion", "reach__connection"
    ).get()


def may_be_handed_over(key: TempKey, now: datetime | None = None) -> bool:
    """Whether the pass opens a door now or will, as far as we know, and we know which of the upstream's it is."""
    return state_of(key, now or timezone.now()) in _TO_HAND_OVER


def may_be_linked(key: TempKey, now: datetime | None = None) -> bool:
    """Whether a link to the pass would show its visitor anything, now or later: not where nobody can read its window."""
    return state_of(key, now or timezone.now()) in _TO_SHOW


def can_be_asked(key: TempKey) -> bool:
    """Whether the account whose pass it is can be asked for it now. One query."""
    reaches = Reach.objects.for_acting().filter(pk=key.reach_id, account_id=key.account_id)
    return key.family.gone_at is None and reaches.exists()


def name_of_account(key: TempKey) -> str:
    """Whose account made it, by its member's name; "" where none is known. One query."""
    member = Member.objects.filter(family=key.family_id, account_id=key.account_id).first()
    return member.name if member is not None else ""


def list_doors(family: Family) -> list[str]:
    """The names of the doors that the family has, each once. One query.

    Assumption: a pass opens the doors of its family. The reference says of none which it opens: pages name the doors as
    the family's. To check at a real upstream: try a pass at each.
    """
    relays = Relay.objects.filter(device__family=family, device__gone_at=None, gone_at=None)
    names = [str(relay) for relay in relays.select_related("device").order_by("device__name", "pk")]
    return list(dict.fromkeys(filter(None, names)))


def list_trail(user: User, key: TempKey) -> list[Line]:
    """What was done with the pass, newest first: all to who may read the trail; to its maker what they and visitors did.

    One query. Whoever else sees the pass is told nothing of it.
    """
    of_pass = Entry.objects.filter(family=key.family_id, object_kind="pass", object_id=key.public_id)
    if user.is_family_admin:
        if key.made_by_id != user.pk:
            return []
        of_pass = of_pass.filter(Q(actor=user) | Q(actor_kind=Actor.VISITOR))
    else:
        of_pass = of_pass & Entry.objects.visible_to(user)
    entries = list(of_pass.defer("canonical", "mac").order_by("-number")[: MOST_LINES * 2])
    lines: dict[str, list[Entry]] = {}
    for entry in reversed(entries):
        lines.setdefault(entry.command_id or f"#{entry.number}", []).append(entry)
    newest = sorted((Line(steps[0], steps) for steps in lines.values()), key=lambda line: -line.first.number)
    return newest[:MOST_LINES]


@dataclass(frozen=True)
class ForVisitor:
    """What a visitor is told of a pass, in the time of its doors. ``digits`` and ``link`` only where they were asked for."""

    place: str
    begins: str
    ends: str
    zone: str
    doors: list[str]
    more_doors: int
    uses: str
    contact: str
    digits: str = field(default="", repr=False)
    link: str = field(default="", repr=False)

    @property
    def door_words(self) -> str:
        """The doors in one line; "" where none is known."""
        more = [_("and %(n)d more") % {"n": self.more_doors}] if self.more_doors else []
        # Names of doors have commas in them.
        return " · ".join([*self.doors, *more])

    @property
    def lines(self) -> list[str]:
        """All of it, a line each, for a message."""
        lines = [_("A pass for %(place)s") % {"place": self.place} if self.place else _("A pass for you")]
        if self.begins:
            lines += [
                _("From: %(when)s (%(zone)s time)") % {"when": self.begins, "zone": self.zone},
                _("Until: %(when)s (%(zone)s time)") % {"when": self.ends, "zone": self.zone},
            ]
        if self.uses:
            lines.append(self.uses)
        if self.door_words:
            lines.append(_("Doors of the house: %(names)s") % {"names": self.door_words})
        if self.digits:
            lines.append(_("Code: %(digits)s") % {"digits": in_fours(self.digits)})
        if self.link:
            lines.append(_("Your code: %(link)s") % {"link": self.link})
        if self.contact:
            lines.append(_("If a door does not open: %(contact)s") % {"contact": self.contact})
        return lines


def for_visitor(
    key: TempKey, doors: Iterable[str] | None = None, *, digits: str = "", link: str = ""
) -> ForVisitor:
    """What a visitor is told, in the language of now and the zone of the doors. One query without ``doors``."""
    names = list(doors) if doors is not None else list_doors(key.family)
    zone = zone_called(key.family.time_zone)
    place = ", ".join(filter(None, [str(key.family.property or ""), key.family.name]))
    uses = ""
    if key.uses is not None and key.uses > 0:
        uses = ngettext("Good for %(n)d opening", "Good for %(n)d openings", key.uses) % {"n": key.uses}
    return ForVisitor(
        place=place,
        begins=_moment(key.starts_at, zone) if key.ends_at else "",
        ends=_moment(key.ends_at, zone) if key.starts_at else "",
        zone=str(zone).rpartition("/")[2].replace("_", " "),
        doors=names[:MOST_DOORS],
        more_doors=max(0, len(names) - MOST_DOORS),
        uses=uses,
        contact=key.family.property.visitor_contact if key.family.property else "",
        digits=digits,
        link=link,
    )


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return format_date(at.astimezone(zone), "l j F Y, H:i") if at is not None else ""
