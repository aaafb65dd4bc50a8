"""What people began that needs somebody: commands nobody knows the end of, jobs, move-outs, invitations."""

from collections.abc import Iterator
from datetime import timedelta

from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import MoveOutState
from access.selectors.moving import list_unfinished
from access.sync.unmatched import CREATE_COMMAND
from families.models import Family, JobState
from families.selectors.invitations import never_accepted
from families.selectors.jobs import list_in_need
from portal.accounts.models import User
from portal.audit.events import label_of
from portal.audit.models import Command, State
from portal.desk.attention.items import NAMED_AT_MOST, Item, named
from portal.web.access import may_visit
from portal.web.templatetags.web import relative

RECENT = timedelta(hours=24)
# Longer than all steps of a move-out take when everything answers.
MOVE_OUT_SLOW = timedelta(minutes=2)


def _what(command: Command) -> str:
    """What was pressed, about whom, and in which family: "Invite a member: ana@example.org (Fly)"."""
    what = label_of(command.event)
    if command.object_name and command.object_name != command.family_name:
        what = f"{what}: {command.object_name}"
    return f"{what} ({command.family_name})" if command.family_name else what


def tell_unknown(user: User) -> Iterator[Item]:
    unknown = Command.objects.visible_to(user).filter(
        state__in=[State.UNKNOWN, State.NO_TRACE], created_at__gt=timezone.now() - RECENT
    )
    # A job tells of its rows itself, all together.
    unknown = unknown.exclude(press__startswith="job-", object_kind__in=["invitation", "member", "pass"])
    # The list of passes tells what was not made: nobody has to look.
    unknown = unknown.exclude(object_kind="pass", state=State.NO_TRACE)
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
        elif command.name == CREATE_COMMAND and may_visit(user, "access:pass_match"):
            url = reverse("access:pass_match", args=[command.object_id])
            yield Item("unknown", title, detail, url, _("Look which it is"))
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


def tell_move_outs(user: User) -> Iterator[Item]:
    """Of which something is left, and those that take longer than they should."""
    for row in list_unfinished(user, NAMED_AT_MOST):
        name = {"family": row.move_out.family_name}
        url = reverse("access:move_out_detail", args=[row.move_out.public_id])
        if row.move_out.paused_at is not None:
            title = _("The move-out of “%(family)s” is paused") % name
            yield Item("warn", title, row.move_out.pause_reason, url, _("See what it waits for"))
        elif row.move_out.state == MoveOutState.RUNNING:
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


def tell_jobs(user: User) -> Iterator[Item]:
    """Bulk work that paused itself, one's own that somebody paused, and rows of it of which nobody knows what became."""
    if not may_visit(user, "families:job_continue"):
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


def tell_invitations(user: User) -> Iterator[Item]:
    """Who was invited to a family and has not joined for a week."""
    found = list(never_accepted(user)[: NAMED_AT_MOST + 1])
    if found:
        oldest = found[0]
        sees_all = may_visit(user, "families:invitation_list")
        title = ngettext(
            "An invitation has waited for a week", "Invitations have waited for a week", len(found)
        )
        detail = _("%(people)s. The oldest, to %(family)s, was sent %(when)s.") % {
            "people": named([invitation.email for invitation in found]),
            "family": oldest.family.name,
            "when": relative(oldest.sent_at),
        }
        url = (
            f"{reverse('families:invitation_list')}?age=7"
            if sees_all
            else f"{reverse('families:family_detail', args=[oldest.family.public_id])}#family-invitations"
        )
        yield Item("warn", title, detail, url, _("Look after them"))
