"""What ends within the portal, first of all: each in a transaction with its entry of the trail and its item."""

from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import ItemKind, ItemState, MoveOut, MoveOutItem, VisitorLink
from access.services.moving import items
from access.services.visitors import links
from families.models import Grant
from families.services.people import leaving as portal_side
from portal.audit.trail import By
from portal.connections import managing


def end_grants(move_out: MoveOut, by: By) -> None:
    """Take the family from each of them."""
    _each(move_out, ItemKind.GRANT, lambda item: _end_grant(by, item))


def end_sessions(move_out: MoveOut, by: By) -> None:
    """Sign each of them out everywhere."""
    _each(move_out, ItemKind.SESSION, lambda item: _end_sessions(move_out, by, item))


def take_back_invitations(move_out: MoveOut, by: By) -> None:
    """Take back the invitations to the portal of those who have not joined."""
    _each(move_out, ItemKind.PORTAL_INVITATION, lambda item: _take_back(move_out, by, item))


def pause_connections(move_out: MoveOut, by: By) -> None:
    """Pause the personal connections of those who look after no other family."""
    _each(move_out, ItemKind.PERSONAL_CONNECTION, lambda item: _pause(move_out, by, item))


def end_visitor_links(move_out: MoveOut, by: By) -> None:
    """End the links by which visitors see passes of the family: also of those that could not be deleted before."""
    _each(move_out, ItemKind.VISITOR_LINK, lambda item: _end_link(move_out, by, item))


def _each(move_out: MoveOut, kind: ItemKind, end: Callable[[MoveOutItem], None]) -> None:
    for item in items.planned(move_out, kind):
        with transaction.atomic():
            end(item)


def _end_grant(by: By, item: MoveOutItem) -> None:
    grant = Grant.objects.filter(pk=int(item.key)).select_related("family", "person").first()
    if grant is None or not portal_side.end_grant(by, grant):
        items.mark([item], ItemState.GONE, _("It was over already."))
        return
    entry = items.newest_entry("grant.end", grant.person.public_id)
    items.mark([item], ItemState.GONE, _("Ended."), entry=entry)


def _end_sessions(move_out: MoveOut, by: By, item: MoveOutItem) -> None:
    if item.person is None:
        items.mark([item], ItemState.GONE, _("They are not in Gatehouse any more."))
        return
    ended = portal_side.sign_out(by, move_out.family, item.person)
    entry = items.newest_entry("session.end", item.person.public_id)
    words = ngettext("Signed out in %(n)d place.", "Signed out in %(n)d places.", ended) % {"n": ended}
    items.mark([item], ItemState.GONE, words if ended else _("Was signed in nowhere."), entry=entry)


def _take_back(move_out: MoveOut, by: By, item: MoveOutItem) -> None:
    person = item.person
    if person is None:
        items.mark([item], ItemState.GONE, _("It was taken back already."))
    elif portal_side.take_back_invitation(by, move_out.family, person):
        # Deleting the person has emptied the column of the stored row, too.
        item.person = None
        entry = items.newest_entry("person.invite_revoke", person.public_id)
        items.mark([item], ItemState.GONE, _("Taken back."), entry=entry)
    else:
        portal_side.sign_out(by, move_out.family, person)
        entry = items.newest_entry("session.end", person.public_id)
        words = _("It was taken up meanwhile. They were signed out, and do not have this family.")
        items.mark([item], ItemState.GONE, words, entry=entry)


def _pause(move_out: MoveOut, by: By, item: MoveOutItem) -> None:
    person = item.person
    own = managing.find_own(person) if person is not None else None
    if person is None or own is None:
        items.mark([item], ItemState.GONE, _("It was removed already."))
    elif portal_side.has_other_family(person, move_out.family):
        # They were given another family meanwhile: it does not go with this one.
        portal_side.check_may_move_out(by, move_out.family)
        item.delete()
    elif portal_side.pause_own_connection(by, move_out.family, person):
        entry = items.newest_entry("connection.pause", own.public_id)
        items.mark([item], ItemState.GONE, _("Paused."), entry=entry)
    else:
        items.mark([item], ItemState.GONE, _("It was paused already."))


def _end_link(move_out: MoveOut, by: By, item: MoveOutItem) -> None:
    portal_side.check_may_move_out(by, move_out.family)
    found = VisitorLink.objects.filter(public_id=item.key).select_related("temp_key__family")
    link = found.first()
    if link is None or not links.end_link(by, link=link):
        items.mark([item], ItemState.GONE, _("It had been ended already."))
        return
    entry = items.newest_entry(links.REVOKE_EVENT, link.temp_key.public_id)
    items.mark([item], ItemState.GONE, _("Ended."), entry=entry)
