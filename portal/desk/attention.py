"""What needs somebody, in order, each with its remedy. Reads local tables only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, Max, Min, OuterRef, Q
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import Device, Gap, MoveOutState
from access.selectors.moving import list_unfinished
from families.models import Change, Family, JobState, Reach, SyncState
from families.selectors.invitations import never_accepted
from families.selectors.jobs import list_in_need
from families.selectors.telling import tell_change
from portal.accounts.models import User
from portal.audit.events import label_of
from portal.audit.models import Command, State
from portal.connections.conditions import ENDING, Condition, describe
from portal.connections.models import Connection, Health
from portal.connections.selectors import list_cover
from portal.connections.telling import how_to_renew, renewal_url
from portal.web.access import may_visit
from portal.web.templatetags.web import relative

RECENT = timedelta(hours=24)
# One failure mends itself at the next try; from here on somebody should know.
FAILURES_THAT_COUNT = 3
NAMED_AT_MOST = 4
# Longer than all steps of a move-out take when everything answers.
MOVE_OUT_SLOW = timedelta(minutes=2)


@dataclass(frozen=True)
class Item:
    """One thing that needs somebody; ``url`` leads to where it is mended, with ``action`` as its words."""

    status: str
    title: str
    detail: str
    url: str = ""
    action: str = ""


def list_attention(user: User) -> list[Item]:
    """What needs this person, the worst first. A fixed number of queries, none of them over history."""
    return [
        *_connections(user),
        *_unknown(user),
        *_jobs(user),
        *_move_outs(user),
        *_unread(user),
        *_offline_families(user),
        *_offline_doors(user),
        *_gaps(user),
        *_changes(user),
        *_invitations(user),
    ]


def _connections(user: User) -> Iterator[Item]:
    """The organisation's connections that something of the person's depends on, and their own."""
    now = timezone.now()
    ending = Q(expires_at__lt=now + ENDING, refresh_token=None)
    visible = Family.objects.visible_to(user)
    unfit = Connection.objects.answering_badly().values("pk")
    found = Connection.objects.there().filter(
        ~Q(health=Health.GOOD) | ~Q(paused_at=None) | ending | Q(pk__in=unfit), Q(owner=None) | Q(owner=user)
    )
    if user.is_family_admin:
        # Their doors are reached as long as any connection does.
        reached = Reach.objects.working().filter(connection__health=Health.GOOD, family=OuterRef("pk"))
        reached = reached.exclude(connection__in=unfit)
        cut_off = visible.filter(~Exists(reached), gone_at=None)
        mine = Reach.objects.filter(connection=OuterRef("pk"), gone_at=None, family__in=cut_off)
        found = found.filter(Q(owner=user) | Exists(mine))
    elif user.is_limited:
        reaches = Reach.objects.filter(connection=OuterRef("pk"), gone_at=None, family__in=visible)
        found = found.filter(Q(owner=user) | Exists(reaches))
    is_told = False
    connections = list(found.without_secrets().order_by("health_since"))
    cover = list_cover(connections, None if user.is_manager and not user.is_limited else visible)
    for connection in connections:
        condition = describe(connection, cover.get(connection.pk))
        if connection.owner_id is None and user.is_family_admin:
            if not is_told and condition.state != "ending":
                is_told = True
                yield _doors_cut_off(condition)
        elif condition.state not in {"good", "held"}:
            yield _connection(user, connection, condition)


def _doors_cut_off(condition: Condition) -> Item:
    """To a family admin without a word of connections; since when is the whole estate's, and no secret."""
    detail = _("Since %(since)s. What you see is from before. The property manager sees this too.")
    title = _("Your doors cannot be reached at this moment")
    return Item("bad", title, detail % {"since": relative(condition.since or timezone.now())})


def _connection(user: User, connection: Connection, condition: Condition) -> Item:
    is_own = connection.owner_id is not None
    name = {"name": connection.name}
    match condition.state:
        case "signed_out":
            title = (
                _("Your own connection is signed out")
                if is_own
                else _("The connection “%(name)s” is signed out")
            )
        case "paused":
            title = _("Your own connection is paused") if is_own else _("The connection “%(name)s” is paused")
        case "unfit":
            title = (
                _("Your own connection answers, but not as it should")
                if is_own
                else _("The connection “%(name)s” answers, but not as it should")
            )
        case "ending":
            title = _("The sign-in of “%(name)s” ends soon")
        case _:
            title = _("The door system does not answer through “%(name)s”")
    parts = [condition.meaning, condition.remedy]
    if condition.since:
        parts.insert(0, _("Since %(since)s.") % {"since": relative(condition.since)})
    url = action = ""
    if condition.state in {"signed_out", "ending"}:
        url, action = renewal_url(user, connection), _("Renew it")
        if not url:
            can_renew = user.is_manager and not user.is_limited
            parts.append(how_to_renew(connection) if can_renew else _("A manager of everything can do that."))
    elif may_visit(user, "connections:connection_detail") and not is_own:
        url = reverse("connections:connection_detail", args=[connection.public_id])
        action = _("See the connection")
    detail = " ".join(part for part in parts if part)
    return Item(condition.status, title % name, detail, url, action if url else "")


def _what(command: Command) -> str:
    """What was pressed, about whom, and in which family: "Invite a member: ana@example.org (Fly)"."""
    what = label_of(command.event)
    if command.object_name and command.object_name != command.family_name:
        what = f"{what}: {command.object_name}"
    return f"{what} ({command.family_name})" if command.family_name else what


def _unknown(user: User) -> Iterator[Item]:
    unknown = Command.objects.visible_to(user).filter(
        state__in=[State.UNKNOWN, State.NO_TRACE], created_at__gt=timezone.now() - RECENT
    )
    # A job tells of its rows itself, all together.
    unknown = unknown.exclude(press__startswith="job-", object_kind__in=["invitation", "member"])
    if user.is_family_admin:
        unknown = unknown.filter(family__in=Family.objects.visible_to(user))
    for command in unknown.select_related("family").order_by("-created_at")[:NAMED_AT_MOST]:
        by = _("you") if command.actor_id == user.pk else command.actor_name
        detail = _("Pressed by %(who)s %(when)s, no answer came.") % {
            "who": by,
            "when": relative(command.created_at),
        }
        if command.object_kind == "relay":
            title = _("Nobody knows whether %(door)s opened") % {"door": command.object_name}
        else:
            title = _("Nobody knows whether this was done: %(what)s") % {"what": _what(command)}
        if command.family_id and command.object_kind == "relay" and command.family:
            url = reverse("desk:family_log", args=[command.family.public_id])
            yield Item("unknown", title, detail, url, _("Look in the log"))
        elif command.family_id and command.family:
            yield Item(
                "unknown",
                title,
                detail,
                reverse("families:family_detail", args=[command.family.public_id]),
                _("Look"),
            )
        else:
            yield Item("unknown", title, detail)


def _move_outs(user: User) -> Iterator[Item]:
    """Of which something is left, and those that take longer than they should."""
    for row in list_unfinished(user, NAMED_AT_MOST):
        name = {"family": row.move_out.family_name}
        url = reverse("access:move_out_detail", args=[row.move_out.public_id])
        if row.move_out.state == MoveOutState.RUNNING:
            if timezone.now() - row.move_out.attempt_at > MOVE_OUT_SLOW:
                title = _("The move-out of “%(family)s” has not ended") % name
                detail = _("Begun %(when)s.") % {"when": relative(row.move_out.attempt_at)}
                yield Item("warn", title, detail, url, _("See how far it is"))
        elif row.left:
            title = ngettext(
                "%(n)d thing is left of the move-out of “%(family)s”",
                "%(n)d things are left of the move-out of “%(family)s”",
                row.left,
            )
            detail = _("Moved out %(when)s.") % {"when": relative(row.move_out.made_at)}
            yield Item("warn", title % {"n": row.left, **name}, detail, url, _("See what is left"))
        elif row.look_until is not None:
            title = _("“%(family)s” has moved out, and an invitation may still be taken up") % name
            day = timezone.localtime(row.look_until).date()
            detail = _("Look again until %(day)s.") % {"day": format_date(day, "j F Y")}
            yield Item("unknown", title, detail, url, _("Look again"))


def _jobs(user: User) -> Iterator[Item]:
    """Bulk work that paused itself, one's own that somebody paused, and rows of it of which nobody knows what became."""
    if not may_visit(user, "families:job_detail"):
        return
    for standing in list_in_need(user)[:NAMED_AT_MOST]:
        job, unknown = standing.job, standing.counts.unknown
        url = reverse("families:job_detail", args=[job.public_id])
        if job.pause_code:
            title = _("“%(title)s” paused itself") % {"title": job.title}
            yield Item("warn", title, job.pause_reason, url, _("See the job"))
        elif job.state == JobState.PAUSED and job.made_by_id == user.pk:
            title = _("“%(title)s” is paused") % {"title": job.title}
            detail = _("Somebody paused it. Nothing is sent before somebody lets it go on.")
            yield Item("warn", title, detail, url, _("See the job"))
        if unknown:
            title = ngettext(
                "Nobody knows what became of %(count)d row of “%(title)s”",
                "Nobody knows what became of %(count)d rows of “%(title)s”",
                unknown,
            )
            detail = _("No answer came. Look, or ask them, before anything is sent once more.")
            title %= {"count": unknown, "title": job.title}
            yield Item("unknown", title, detail, f"{url}?state=unknown", _("See them"))


def _unread(user: User) -> Iterator[Item]:
    failing = SyncState.objects.visible_to(user).filter(
        failures__gte=FAILURES_THAT_COUNT, family__isnull=False, family__gone_at=None
    )
    names = list(
        failing.order_by("family__name")
        .values_list("family__name", flat=True)
        .distinct()[: NAMED_AT_MOST + 1]
    )
    if names:
        since = failing.aggregate(since=Min("last_good_at"))["since"]
        detail = (
            _("Last read %(when)s; it is tried again by itself.") % {"when": relative(since)}
            if since
            else _("Not read yet; it is tried again by itself.")
        )
        yield Item("warn", _("Could not be read: %(families)s") % {"families": _named(names)}, detail)


def _offline_families(user: User) -> Iterator[Item]:
    offline = Family.objects.visible_to(user).filter(is_online=False, is_installed=True, gone_at=None)
    names = list(
        offline.order_by("online_changed_at", "name").values_list("name", flat=True)[: NAMED_AT_MOST + 1]
    )
    if names:
        total = len(names) if len(names) <= NAMED_AT_MOST else offline.count()
        title = ngettext("%d family is offline", "%d families are offline", total) % total
        yield Item(
            "off", title, _named(names), f"{reverse('families:family_list')}?state=offline", _("See them")
        )


def _offline_doors(user: User) -> Iterator[Item]:
    visible = Device.objects.visible_to(user).filter(is_online=False, gone_at=None, family__gone_at=None)
    offline = visible.values("mac").annotate(name=Min("name"), since=Max("online_changed_at"))
    found = list(offline.order_by("since")[: NAMED_AT_MOST + 1])
    if len(found) == 1:
        device = found[0]
        # To a family admin not since when: that may have been before their grant.
        is_told = device["since"] and not user.is_family_admin
        detail = _("It went offline %(when)s.") % {"when": relative(device["since"])} if is_told else ""
        title = _("%(door)s is offline") % {"door": device["name"]}
        yield Item("warn", title, detail, f"{reverse('access:device_list')}?show=offline", _("See it"))
    elif found:
        total = len(found) if len(found) <= NAMED_AT_MOST else offline.count()
        title = ngettext("%d door is offline", "%d doors are offline", total) % total
        names = _named([device["name"] for device in found])
        yield Item("warn", title, names, f"{reverse('access:device_list')}?show=offline", _("See them"))


def _gaps(user: User) -> Iterator[Item]:
    gaps = Gap.objects.visible_to(user).filter(seen_at__gt=timezone.now() - RECENT)
    names = list(
        gaps.order_by("family__name").values_list("family__name", flat=True).distinct()[: NAMED_AT_MOST + 1]
    )
    if names:
        title = _("Rows of the log may be missing")
        yield Item(
            "warn",
            title,
            _("Since yesterday, at %(families)s.") % {"families": _named(names)},
            reverse("desk:log_list"),
            _("See the log"),
        )


def _changes(user: User) -> Iterator[Item]:
    changes = Change.objects.visible_to(user).filter(at__gt=timezone.now() - RECENT).select_related("family")
    sees_all = may_visit(user, "families:change_list")
    for change in changes.order_by("-at", "-pk")[:NAMED_AT_MOST]:
        detail = _("%(family)s. Seen %(when)s, and not done through Gatehouse.") % {
            "family": change.family.name,
            "when": relative(change.at),
        }
        url = (
            reverse("families:change_list")
            if sees_all
            else reverse("families:family_changes", args=[change.family.public_id])
        )
        yield Item("warn", tell_change(change).sentence, detail, url, _("See the changes"))


def _invitations(user: User) -> Iterator[Item]:
    """Who was invited to a family and has not joined for a week."""
    found = list(never_accepted(user)[: NAMED_AT_MOST + 1])
    if found:
        oldest = found[0]
        sees_all = may_visit(user, "families:invitation_list")
        title = ngettext(
            "An invitation has waited for a week", "Invitations have waited for a week", len(found)
        )
        detail = _("%(people)s. The oldest, to %(family)s, was sent %(when)s.") % {
            "people": _named([invitation.email for invitation in found]),
            "family": oldest.family.name,
            "when": relative(oldest.sent_at),
        }
        url = (
            f"{reverse('families:invitation_list')}?age=7"
            if sees_all
            else f"{reverse('families:family_detail', args=[oldest.family.public_id])}#family-invitations"
        )
        yield Item("warn", title, detail, url, _("Look after them"))


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED_AT_MOST])
    return _("%(names)s and more") % {"names": shown} if len(names) > NAMED_AT_MOST else shown
