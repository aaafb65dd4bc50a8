"""manage.py sync: reads everything from the upstream now, in the foreground, without Redis."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from access.sync import runs
from access.sync.runs import Progress
from families.models import Kind
from families.sync.reports import Failure, Report
from portal.connections.models import Connection, Health
from portal.console import ConsoleCommand, Stop

BAR_WIDTH = 30
DRAW_EVERY_SECONDS = 0.1
# What a run counts as it adds it.
ADDED = ("members", "devices", "openings", "calls", "temp_keys")


class Command(ConsoleCommand):
    help = (
        "Reads families, members, doors, openings, calls and passes from the upstream now, whether due or not. "
        "What another run is reading is waited for. Exit code 1 when a family could not be read; each is named."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connection", default="", metavar="NAME", help="only through this connection")
        parser.add_argument("--family", default="", metavar="RESIDENCE_ID", help="only this family")
        parser.add_argument("--only", default="", metavar="KINDS", help=f"some of {','.join(Kind.values)}")

    def handle(self, *args: Any, **options: Any) -> None:
        kinds = _kinds(options["only"])
        connections, unusable = _connections(options["connection"])
        progress = Progress(tell=_Bar() if _is_watched(options) else _say_nothing)
        began = time.monotonic()
        try:
            report = runs.read_now(
                connections, residence_id=options["family"], kinds=kinds, progress=progress
            )
        finally:
            if isinstance(progress.tell, _Bar):
                progress.tell.clear()
        seconds = time.monotonic() - began
        residence_id = options["family"]
        if residence_id and not runs.find_family([one.pk for one in connections], residence_id):
            raise Stop(_("No connection reaches a family %(id)s.") % {"id": repr(residence_id)})
        for failure in report.not_understood:
            self.stderr.write(
                _("Not understood: %(what)s: %(words)s") % {"what": _name(failure), "words": _line(failure)}
            )
        for failure in report.failures:
            self.stderr.write(
                _("Not read: %(what)s: %(words)s") % {"what": _name(failure), "words": _line(failure)}
            )
        self.answer(_as_json(report, seconds, unusable))
        counts = report.counts
        self.say(
            _(
                "%(good)d answers in %(seconds).1f s, %(changed)d with something new: %(members)d members, "
                "%(devices)d devices, %(openings)d openings, %(calls)d calls, %(temp_keys)d passes added."
            )
            % {
                "good": len(report.good),
                "changed": report.changed,
                "seconds": seconds,
                **{name: counts[name] for name in ADDED},
            }
        )
        if counts["gaps"]:
            self.say(_("Gaps in a history: %(count)d; the log shows them.") % {"count": counts["gaps"]})
        if unusable:
            raise Stop(_("Signed out: %(names)s") % {"names": ", ".join(unusable)})
        if report.failures:
            names = sorted({_whose(failure) for failure in report.failures})
            raise Stop(_("Could not be read: %(names)s") % {"names": ", ".join(names)})


def _kinds(text: str) -> list[str]:
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    for word in wanted:
        if word not in Kind.values:
            raise Stop(
                _("--only %(word)s: there are %(kinds)s.")
                % {"word": repr(word), "kinds": ", ".join(Kind.values)}
            )
    return wanted or list(Kind.values)


def _connections(name: str) -> tuple[list[Connection], list[str]]:
    """Those to read through, and the names of those that are signed out."""
    found = list(Connection.objects.of_the_organisation().there().order_by("created_at", "pk"))
    if name:
        found = [connection for connection in found if connection.name == name]
        if not found:
            raise Stop(_("There is no connection %(name)s.") % {"name": repr(name)})
        if found[0].paused_at:
            raise Stop(_("The connection %(name)s is paused.") % {"name": repr(name)})
    if not found:
        raise Stop(_("There is no connection yet: manage.py connect makes one."))
    out = [connection.name for connection in found if connection.health == Health.SIGNED_OUT]
    usable = [one for one in found if one.paused_at is None and one.health != Health.SIGNED_OUT]
    return usable, out


def _whose(failure: Failure) -> str:
    """The family, or the connection whose list it is."""
    state = failure.state
    if state.family is not None:
        return f"{_plain(state.family.name)} ({state.family.residence_id})"
    return _("the list of families of %(connection)s") % {
        "connection": state.connection.name if state.connection else ""
    }


def _name(failure: Failure) -> str:
    return f"{_whose(failure)}: {Kind(failure.state.kind).label}"


def _line(failure: Failure) -> str:
    return _plain("; ".join(failure.words.splitlines()))


def _plain(text: str) -> str:
    """Text from outside, fit for a terminal: nothing in it moves the cursor."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _as_json(report: Report, seconds: float, unusable: Sequence[str]) -> dict[str, Any]:
    def told(failures: Sequence[Failure]) -> list[dict[str, str]]:
        return [
            {
                "family": failure.state.family.residence_id if failure.state.family else "",
                "kind": failure.state.kind,
                "words": failure.words,
            }
            for failure in failures
        ]

    return {
        "answers": len(report.good),
        "changed": report.changed,
        "seconds": round(seconds, 3),
        "added": {name: report.counts[name] for name in ADDED},
        "gaps": report.counts["gaps"],
        "not_read": told(report.failures),
        "not_understood": told(report.not_understood),
        "signed_out": list(unusable),
    }


def _is_watched(options: dict[str, Any]) -> bool:
    return sys.stderr.isatty() and options["verbosity"] > 0


def _say_nothing(progress: Progress) -> None:
    pass


class _Bar:
    """A progress bar on standard error, drawn over itself."""

    def __init__(self) -> None:
        self._drawn_at = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        is_over = progress.done >= progress.total
        if not progress.total or (now - self._drawn_at < DRAW_EVERY_SECONDS and not is_over):
            return
        self._drawn_at = now
        share = min(1.0, progress.done / progress.total)
        bar = "█" * round(share * BAR_WIDTH)
        waiting = _(" waiting for %(what)s") % {"what": progress.waiting_for} if progress.waiting_for else ""
        sys.stderr.write(f"\r\x1b[K{bar:·<{BAR_WIDTH}} {progress.done}/{progress.total}{waiting}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line empty."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
