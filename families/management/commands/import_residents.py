"""manage.py import_residents: brings residents from a sheet, as the page does."""

import sys
from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from families.models import Family, Job, JobState, Rights, RowState, Sheet
from families.services import importing, jobs
from families.services.importing import Choices
from families.services.importing.marking import Marked
from families.services.jobs.running import JobMovedOn
from portal.accounts.models import User
from portal.console import ConsoleCommand, Stop

RIGHTS = {"administrator": Rights.USER, "member": Rights.GUEST}
_MEANINGS = {
    "administrator": Rights.USER.value,
    "member": Rights.GUEST.value,
    "leave-out": importing.LEAVE_OUT,
}
_HEADED = {None: None, "yes": True, "no": False}
# So many rows with an error are printed; --json has them all.
PRINTED = 50
_TURN_SECONDS = 2.0


class Command(ConsoleCommand):
    help = (
        "Brings residents from a CSV file: reads it as the page does, says what would happen to each row, and, once "
        "that is agreed to, lets the workers send it. Nothing is sent with --dry-run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the sheet; - for standard input")
        parser.add_argument(
            "--by", required=True, metavar="EMAIL", help="the manager in whose name it is done"
        )
        parser.add_argument("--family", metavar="RESIDENCE_ID", help="puts all rows into this family")
        parser.add_argument("--way", choices=[importing.INVITE, importing.CREATE], default=importing.INVITE)
        parser.add_argument(
            "--rights", choices=RIGHTS, default="member", help="of whoever's row says none (member)"
        )
        parser.add_argument(
            "--change-rights", action="store_true", help="changes members whose rights differ from the sheet"
        )
        parser.add_argument(
            "--columns",
            metavar="FIELD,…",
            help=f"what the columns are, in their order, instead of guessing: {', '.join(importing.FIELDS)}; "
            "nothing between two commas leaves one out",
        )
        parser.add_argument(
            "--header",
            choices=["yes", "no"],
            help="whether the first row says what the columns are, instead of guessing",
        )
        parser.add_argument(
            "--word",
            action="append",
            default=[],
            metavar="WORD=MEANING",
            help="what a word for rights means that is not known here: administrator, member or leave-out "
            "(may be given again); remembered for such a sheet, as its columns are",
        )
        parser.add_argument("--encoding", choices=importing.ENCODINGS, default="", metavar="NAME")
        parser.add_argument("--hours", type=int, default=24, help="what is not sent by then is left out (24)")
        parser.add_argument("--dry-run", action="store_true", help="reads and compares, and keeps nothing")
        parser.add_argument("--yes", action="store_true", help="agrees without being asked")
        parser.add_argument("--wait", action="store_true", help="sends it here, and ends when it is done")

    def handle(self, *args: Any, **options: Any) -> None:
        user = _manager(options["by"])
        family = _family(user, options["family"])
        if not 1 <= options["hours"] <= 168:
            raise Stop("--hours is 1 to 168")
        content = _read(options["file"])
        name = "" if options["file"] == "-" else Path(options["file"]).name
        try:
            sheet, rows = self._compare(user, content, name, family, options)
            told = self._tell(sheet, rows)
            if options["dry_run"]:
                self.say("Nothing was kept, and nothing sent.")
                self.answer(told | {"state": "dry run"})
                return
            if not told["to_send"]:
                raise Stop("no row of it would be sent; --dry-run --json says why")
            self._agree(told["to_send"], options)
            job = self._confirm(user, content, name, sheet, options)
        except importing.SheetRefused as refused:
            raise Stop(f"Nothing was kept: {refused}") from None
        if options["wait"]:
            self._wait(job)
        self._end(job, told)

    def _compare(
        self, user: User, content: bytes, name: str, family: Family | None, options: dict[str, Any]
    ) -> tuple[Sheet, list[Marked]]:
        """The sheet and its rows, with nothing kept."""
        sheet = importing.open_sheet(
            user,
            content=content,
            name=name,
            family=family,
            encoding=options["encoding"],
            headed=_HEADED[options["header"]],
        )
        if options["columns"] is not None:
            sheet.columns = _columns(options["columns"], len(sheet.columns))
        wrong = [words for _place, words in importing.wrong_columns(sheet.columns)]
        if family is None and "family" not in sheet.columns:
            wrong.append(importing.no_family())
        if wrong:
            raise Stop(f"Nothing was kept: {wrong[0]} It was read as {_described(sheet)}.")
        sheet.words |= _words(options["word"])
        sheet.job.options = {
            "way": options["way"],
            "changes_rights": options["change_rights"],
            "auth": RIGHTS[options["rights"]].value,
        }
        return sheet, importing.mark_sheet(user, sheet)

    def _tell(self, sheet: Sheet, rows: list[Marked]) -> dict[str, Any]:
        counts = Counter(row.mark for row in rows)
        to_send = sum(row.will_be_sent for row in rows)
        wrong = [row for row in rows if row.person.wrong]
        unknown = [
            word
            for word in importing.words_to_ask(
                importing.table_of(sheet), sheet.columns, headed=sheet.has_header
            )
            if importing.word_digest(word) not in sheet.words
        ]
        self.say(f"Read as {_described(sheet)}.")
        self.say(
            f"{len(rows)} rows: {counts['new']} new, {counts['there']} there already, {counts['differs']} with other "
            f"rights, {counts['error']} wrong. To be sent: {to_send}."
        )
        for row in wrong[:PRINTED]:
            self.say(f"  row {row.person.number}: {row.words}")
        if len(wrong) > PRINTED:
            self.say(f"  and {len(wrong) - PRINTED} more; --json has them all")
        for word in unknown:
            self.say(f"  not known as a right: {word!r}; --word {word!r}=member says what it means")
        return {
            "unknown_words": unknown,
            "columns": sheet.columns,
            "encoding": sheet.encoding,
            "rows": len(rows),
            "marks": dict(counts),
            "to_send": to_send,
            "errors": [{"row": row.person.number, **row.person.wrong} for row in wrong],
        }

    def _agree(self, count: int, options: dict[str, Any]) -> None:
        if options["yes"]:
            return
        if self.is_json or options["file"] == "-" or not sys.stdin.isatty():
            raise Stop("nothing was sent: agree with --yes, or look first with --dry-run")
        if input(f"Send {count} rows? Type yes: ").strip().lower() != "yes":
            raise Stop("nothing was sent")

    def _confirm(self, user: User, content: bytes, name: str, seen: Sheet, options: dict[str, Any]) -> Job:
        sheet = importing.make_draft(user, content=content, name=name, family=seen.family)
        chosen = seen.job.options
        choices = Choices(
            encoding=seen.encoding,
            separator=seen.separator,
            has_header=seen.has_header,
            columns=seen.columns,
            family=seen.family,
            way=chosen["way"],
            changes_rights=chosen["changes_rights"],
            auth=chosen["auth"],
            words=seen.words,
        )
        not_after = timezone.now() + timedelta(hours=options["hours"])
        try:
            importing.keep_choices(user, sheet, choices)
            return importing.confirm_draft(user, sheet, not_after=not_after)
        except (importing.NothingToSend, importing.PreviewChanged, JobMovedOn, PermissionDenied):
            importing.drop_draft(user, sheet)
            raise Stop("nothing was sent: somebody changed something in this moment; try again") from None

    def _wait(self, job: Job) -> None:
        while True:
            jobs.work(_TURN_SECONDS)
            job.refresh_from_db()
            if job.state != JobState.RUNNING:
                return

    def _end(self, job: Job, told: dict[str, Any]) -> None:
        states = Counter(job.rows.exclude(state=RowState.LEFT_OUT).values_list("state", flat=True))
        self.say(f"“{job.title}” {JobState(job.state).label}: {_counted(states)}.")
        if job.pause_reason:
            self.say(job.pause_reason)
        self.answer(told | {"job": job.public_id, "state": job.state, "sent": dict(states)})


def _manager(email: str) -> User:
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None or not user.is_manager:
        raise Stop(f"{email[:100]!r} is no manager who may sign in")
    return user


def _family(user: User, residence_id: str | None) -> Family | None:
    if residence_id is None:
        return None
    found = Family.objects.visible_to(user).filter(residence_id=residence_id, gone_at=None)
    family = found.select_related("property").first()
    if family is None:
        raise Stop(
            f"{user} reaches no family {residence_id[:100]!r}: check the residence id, or run manage.py sync"
        )
    return family


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(importing.LARGEST_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(importing.LARGEST_BYTES + 1)
    except OSError as error:
        raise Stop(f"{name}: {error.strerror}") from None


def _columns(text: str, width: int) -> list[str]:
    columns = [name.strip() for name in text.split(",")]
    for name in columns:
        if name and name not in importing.FIELDS:
            raise Stop(f"--columns: {name[:40]!r} is none of {', '.join(importing.FIELDS)}")
    if len(columns) > width:
        raise Stop(f"--columns names {len(columns)} columns, and the sheet has {width}")
    return columns + [""] * (width - len(columns))


def _words(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        word, _sign, meaning = one.rpartition("=")
        if not word.strip() or meaning not in _MEANINGS:
            raise Stop(f"--word is WORD=MEANING, and a meaning one of {', '.join(_MEANINGS)}: {one[:60]!r}")
        found[importing.word_digest(word)] = _MEANINGS[meaning]
    return found


def _described(sheet: Sheet) -> str:
    separator = {"\t": "tab"}.get(sheet.separator, sheet.separator)
    columns = ", ".join(name or "(left out)" for name in sheet.columns)
    header = "with a header" if sheet.has_header else "without a header"
    return f"{sheet.encoding}, separated by {separator}, {header}, columns: {columns}"


def _counted(states: Counter[str]) -> str:
    return (
        ", ".join(f"{count} {str(RowState(state).label).lower()}" for state, count in states.items())
        or "no row"
    )
