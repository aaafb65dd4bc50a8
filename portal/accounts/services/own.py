"""What somebody changes of their own account. Their address, role and scope are a manager's to change."""

from dataclasses import dataclass

from django.contrib.auth import update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest

from portal.accounts import people, sessions
from portal.accounts.models import User
from portal.accounts.sessions import SignedIn
from portal.audit import trail
from portal.audit.trail import About, By

# Which colours somebody likes is nobody else's business.
TOLD = ("name", "language", "time_zone")


@dataclass(frozen=True)
class Preferences:
    """What a person says of themselves, and how pages shall speak to them."""

    name: str
    language: str
    time_zone: str
    theme: str


def change_preferences(user: User, wanted: Preferences) -> bool:
    """Keep them; whether anything changed."""
    with transaction.atomic():
        kept = User.objects.select_for_update().get(pk=user.pk)
        before = {field: str(getattr(kept, field)) for field in (*TOLD, "theme")}
        after = {field: str(getattr(wanted, field)) for field in before}
        changed = [field for field in before if before[field] != after[field]]
        if not changed:
            return False
        User.objects.filter(pk=user.pk).update(**{field: after[field] for field in changed})
        told = [field for field in TOLD if field in changed]
        if told:
            parameters = {
                "before": {field: before[field] for field in told},
                "after": {field: after[field] for field in told},
            }
            trail.record("person.change", By.person(user), about(user), parameters=parameters)
    for field in changed:
        setattr(user, field, after[field])
    return True


def choose_theme(user: User, theme: str) -> None:
    """Keep which colours they like, wherever they sign in."""
    User.objects.filter(pk=user.pk).exclude(theme=theme).update(theme=theme)
    user.theme = theme


def change_password(request: HttpRequest, user: User, password: str) -> int:
    """A new password for ``user``, who sits at ``request``; return how many other sessions that ended.

    Raises people.PersonRefused for a weak one: nothing was changed. Their own session goes on under another key.
    """
    people.check_password(password, user)
    with transaction.atomic():
        ended = sessions.end_all(user, keep=request.session.session_key or "")
        user.set_password(password)
        user.save(update_fields=["password"])
        update_session_auth_hash(request, user)
        parameters = {"sessions_ended": ended}
        trail.record("person.password", By.person(user), about(user), parameters=parameters)
    return ended


def end_session(user: User, one: SignedIn) -> bool:
    """Sign ``user`` out in one place; False where that session had ended already."""
    with transaction.atomic():
        if not sessions.end_session(one):
            return False
        parameters = {"address": one.address, "since": one.since.isoformat(timespec="seconds")}
        trail.record("session.end", By.person(user), about(user), parameters=parameters)
    return True


def end_other_sessions(user: User, *, keep: str) -> int:
    """Sign ``user`` out everywhere but where they sit; return in how many places."""
    with transaction.atomic():
        ended = sessions.end_all(user, keep=keep)
        if ended:
            trail.record("session.end", By.person(user), about(user), parameters={"sessions_ended": ended})
    return ended


def about(user: User) -> About:
    """The person as the trail names them."""
    return About(kind="person", id=user.public_id, name=user.email)
