"""Deleting passes: what is to go, asked once more, and what became of each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.models import TempKey
from access.selectors.passes import find_passes
from access.services.passes import deleting
from access.services.passes.deleting import PassBatch, PassRow
from access.views.passes.lists import PassLine, line_of
from families.models import Family
from families.services.acting import NoConnection
from portal.accounts.requests import SignedInRequest
from portal.audit.models import State
from portal.audit.trail import AuditUnavailable, OutcomeNotRecorded
from portal.web import wordings
from portal.web.pages import render_page
from portal.web.presses import PressInvalid, new_press, read_press

# Design decision: each family's passes are a command of their own, one after the other within the request. More
# families than this are left for the next press, and none is begun when the time of one action is over.
MOST_FAMILIES = 5
MOST_PASSES = 100
_WORDS = {
    "gone": ("ok", gettext_lazy("Deleted")),
    "left": ("bad", gettext_lazy("Still there")),
    "unknown": ("unknown", gettext_lazy("Unknown")),
}


@dataclass
class Group:
    """The chosen passes of one family: as they are to be deleted, or, with ``told``, what became of them."""

    family: Family
    lines: list[PassLine]
    press: str = ""
    told: list[tuple[PassLine, str, str, str]] = field(default_factory=list)
    trouble: str = ""


@dataclass(frozen=True)
class Choice:
    """What was chosen: what can go now by family, what stays and why it need not or may not go, what is left for later."""

    groups: list[Group]
    staying: list[PassLine]
    later: list[TempKey]

    @property
    def count(self) -> int:
        """How many go."""
        return sum(len(group.lines) for group in self.groups)


def pass_delete(request: SignedInRequest) -> HttpResponse:
    """What is to be deleted, to be confirmed; and the deleting."""
    asked = request.POST if request.method == "POST" else request.GET
    choice = _choice(request, asked.getlist("pass"))
    if request.method != "POST":
        for group in choice.groups:
            group.press = new_press(request.user.id, delete_purpose(group.family))
        return _render(request, choice, is_done=False)
    if not choice.count:
        return _render(request, choice, is_done=False, status=422)
    ends = time.monotonic() + settings.UPSTREAM_DEADLINE_SECONDS
    statuses = [_act(request, group, ends) for group in choice.groups]
    return _render(request, choice, is_done=True, status=max(statuses))


def delete_purpose(family: Family) -> str:
    """What a press that deletes passes of a family is signed for."""
    return f"delete-passes:{family.public_id}"


def _choice(request: SignedInRequest, ids: Sequence[str]) -> Choice:
    wanted = {one for one in ids if one and "\0" not in one}
    found = find_passes(request.user, wanted)
    if len(found) != len(wanted) or len(wanted) > MOST_PASSES:
        raise Http404
    now = timezone.now()
    groups: dict[int, Group] = {}
    staying: list[PassLine] = []
    later: list[TempKey] = []
    # A repeat of a press tells what became of what is gone by now.
    is_repeat = request.method == "POST"
    for key in found:
        line = line_of(request.user, key, now)
        if not (line.may_delete or (is_repeat and key.may_be_managed_by(request.user))):
            staying.append(line)
        elif key.family_id in groups or len(groups) < MOST_FAMILIES:
            groups.setdefault(key.family_id, Group(key.family, [])).lines.append(line)
        else:
            later.append(key)
    return Choice(list(groups.values()), staying, later)


def _act(request: SignedInRequest, group: Group, ends: float) -> int:
    """Delete the passes of one family and say what became of them; the status that says so."""
    keys = [line.key for line in group.lines]
    if time.monotonic() > ends:
        return _not_done(group, _("Not begun: the others took too long. Choose them again."), 503)
    try:
        press = read_press(
            request.POST.get(f"press-{group.family.public_id}", ""),
            request.user.id,
            delete_purpose(group.family),
        )
        batch = deleting.delete_passes(request.user, family=group.family, keys=keys, press=press)
    except PressInvalid:
        return _not_done(group, wordings.old_page(_("Nothing was sent: choose them again.")), 422)
    except AuditUnavailable:
        return _not_done(group, wordings.no_audit("sent", wordings.tell_operator()), 503)
    except NoConnection:
        return _not_done(group, wordings.no_connection("sent", wordings.connect_it()), 503)
    except OutcomeNotRecorded:
        rows = [PassRow(key, "unknown", _("What became of it could not be written down.")) for key in keys]
        return _tell(request, group, rows, 502)
    return _tell(request, group, batch.rows, _status(batch))


def _status(batch: PassBatch) -> int:
    states = {row.state for row in batch.rows}
    if batch.performed is not None and batch.performed.command.state_now == State.NOT_SENT:
        return 503
    return 502 if "unknown" in states else 200


def _not_done(group: Group, words: str, status: int) -> int:
    group.trouble = words
    return status


def _tell(request: SignedInRequest, group: Group, rows: Sequence[PassRow], status: int) -> int:
    now = timezone.now()
    for row in rows:
        kind, word = _WORDS[row.state]
        group.told.append((line_of(request.user, row.key, now), kind, str(word), row.words))
    return status


def _render(request: SignedInRequest, choice: Choice, *, is_done: bool, status: int = 200) -> HttpResponse:
    rows = [row for group in choice.groups for row in group.told]
    gone = sum(kind == "ok" for _line, kind, _word, _words in rows)
    later = "&".join(f"pass={key.public_id}" for key in choice.later)
    back = reverse("access:pass_list")
    families = {group.family.public_id for group in choice.groups} | {
        line.key.family.public_id for line in choice.staying
    }
    if len(families) == 1 and not choice.later:
        back = reverse("access:family_passes", args=[families.pop()])
    context: dict[str, Any] = {
        "choice": choice,
        "is_done": is_done,
        "delete_url": request.path,
        "back_url": back,
        "later_url": f"{request.path}?{later}" if later else "",
        "title": _title(choice, gone, is_done=is_done),
    }
    return render_page(request, "access/pass_delete.html", "access/_pass_delete.html", context, status=status)


def _title(choice: Choice, gone: int, *, is_done: bool) -> str:
    if not choice.count:
        return _("No pass to delete")
    if not is_done:
        return ngettext("Delete %(n)d pass?", "Delete %(n)d passes?", choice.count) % {"n": choice.count}
    if gone == choice.count:
        return ngettext("%(n)d pass deleted", "%(n)d passes deleted", gone) % {"n": gone}
    return _("%(gone)d of %(all)d passes deleted") % {"gone": gone, "all": choice.count}
