"""Changes what we say of a pass: its label, who it is for, and a note. Nothing of that is sent to anybody."""

from django.core.exceptions import PermissionDenied
from django.db import transaction

from access.models import TempKey
from access.services.passes.naming import about
from families.services.acting import may_act_in
from portal.accounts.models import User
from portal.audit import trail
from portal.audit.trail import By
from portal.text import searchable

CHANGE_EVENT = "pass.change"


def change_pass(
    actor: User, *, key: TempKey, label: str, visitor_name: str, visitor_email: str, note: str
) -> list[str]:
    """Say something else of a pass; which of its fields are different now. One that was made elsewhere may get words too.

    ``key`` was fetched through ``visible_to(actor)``, the words are checked already. Raises PermissionDenied,
    and trail.AuditUnavailable: nothing was changed then; and HeadNotKept, when it was, and only its head is not kept.
    """
    may_act_in(actor, key.family)
    if not key.may_be_managed_by(actor):
        raise PermissionDenied
    words = {"label": label, "visitor_name": visitor_name, "visitor_email": visitor_email, "note": note}
    with trail.writing("the change", tells_of_heads=True), transaction.atomic(durable=True):
        return _change(actor, key, words)


def _change(actor: User, key: TempKey, words: dict[str, str]) -> list[str]:
    held = TempKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
    changes = {
        name: {"before": getattr(held, name), "after": word}
        for name, word in words.items()
        if getattr(held, name) != word
    }
    if not changes:
        return []
    for name, word in words.items():
        setattr(held, name, word)
    held.search_text = searchable(held.label, held.visitor_name, held.visitor_email)
    held.save(update_fields=[*words, "search_text"])
    trail.record(CHANGE_EVENT, By.person(actor), about(held), parameters=changes)
    return list(changes)
