"""manage.py import_residents: the same reading as on the page, and sent by the workers or here."""

from pathlib import Path

import pytest

from families.models import Family, Job, JobRow, JobState, RowState, Sheet
from portal.accounts.models import User
from portal.audit.models import Entry
from tests.consoles import Ran, run
from tests.factories import AuditorFactory, FamilyFactory, ManagerFactory, MemberFactory, ReachFactory
from tests.families.importing.sheets import RESIDENTS
from tests.families.properties import limited
from tests.plugins.simulator import SimulatorProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person() -> User:
    return ManagerFactory(email="marta@gatehouse.example", name="Marta Reis")


@pytest.fixture
def maple() -> Family:
    return ReachFactory(family=FamilyFactory(name="Maple 3", residence_id="r0maple")).family


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "residents.csv"
    path.write_bytes(RESIDENTS.replace("Costa", "Núñez").encode("cp1252"))
    return path


def bring(file: Path | str, *words: str, stdin: str = "") -> Ran:
    return run("import_residents", str(file), "--by", "Marta@gatehouse.example", *words, stdin=stdin)


def test_it_says_what_would_happen_and_keeps_nothing(person: User, maple: Family, file: Path) -> None:
    MemberFactory(family=maple, email="bo@example.org", auth="guest")
    ran = bring(file, "--family", "r0maple", "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert "2 rows: 1 new, 0 there already, 1 with other rights, 0 wrong. To be sent: 1." in ran.out
    assert "cp1252, separated by ;, with a header" in ran.out
    assert not Job.objects.exists()
    told = bring(file, "--family", "r0maple", "--change-rights", "--dry-run", "--json").json
    assert (told["to_send"], told["marks"], told["state"]) == (2, {"new": 1, "differs": 1}, "dry run")


def test_agreed_to_it_leaves_a_job_to_the_workers(person: User, maple: Family, file: Path) -> None:
    ran = bring(
        file, "--family", "r0maple", "--way", "create", "--rights", "administrator", "--yes", "--json"
    )
    assert ran.code == 0
    job = Job.objects.get()
    assert (ran.json["job"], ran.json["state"], ran.json["to_send"]) == (job.public_id, "running", 2)
    assert (job.made_by, job.title, job.options["way"]) == (person, "residents.csv", "create")
    assert [row.values["last_name"] for row in job.rows.order_by("number")] == ["Núñez", "Li"]
    assert not Sheet.objects.exists()
    assert Entry.objects.filter(event="import.confirm").count() == 1


def test_it_sends_here_where_it_is_to_wait(
    person: User, family: Family, file: Path, simulator: SimulatorProcess
) -> None:
    simulator.clear_journal()
    ran = bring(file, "--family", family.residence_id, "--yes", "--wait")
    assert ran.code == 0, ran.err
    assert "“residents.csv” Done: 2 done." in ran.out
    sent = [call["param"] for call in simulator.journal() if call["command"] == "invite_family_account"]
    assert sorted((one["email"], one["auth"]) for one in sent) == [
        ("ana@example.org", "guest"),
        ("bo@example.org", "user"),
    ]
    assert Job.objects.get().state == JobState.DONE
    assert set(JobRow.objects.values_list("state", flat=True)) == {RowState.DONE}


def test_standard_input_and_named_columns_are_read(person: User, maple: Family) -> None:
    rows = "who|Ana|ana@example.org\nwho|=1|nobody\n"
    told = bring(
        "-", "--columns", ",first_name,email", "--family", "r0maple", "--dry-run", "--json", stdin=rows
    ).json
    assert told["columns"] == ["", "first_name", "email"]
    assert told["marks"] == {"new": 1, "error": 1}
    (error,) = told["errors"]
    assert (error["row"], set(error) - {"row"}) == (2, {"first_name", "email"})


def test_rows_with_an_error_are_printed_with_their_number(
    person: User, maple: Family, tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("E-mail\n" + "nobody\n" * 60)
    out = bring(file, "--family", "r0maple", "--dry-run").out
    assert "  row 2: That is no e-mail address" in out
    assert "and 10 more" in out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--family", "r0maple"], "agree with --yes"),
        (["--family", "r0maple", "--json"], "agree with --yes"),
        (["--family", "r0nowhere", "--yes"], "reaches no family 'r0nowhere'"),
        (["--yes"], "No column is the family"),
        (["--family", "r0maple", "--columns", "first_name", "--yes"], "No column has the e-mail addresses"),
        (["--family", "r0maple", "--columns", "password", "--yes"], "'password' is none of email"),
        (["--family", "r0maple", "--columns", ",,,,email", "--yes"], "names 5 columns, and the sheet has 4"),
        (["--family", "r0maple", "--hours", "0", "--yes"], "--hours is 1 to 168"),
        (["--family", "r0maple", "--encoding", "utf-8", "--yes"], "cannot be read as UTF-8"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_keeps_nothing(
    person: User, maple: Family, file: Path, words: list[str], line: str
) -> None:
    ran = bring(file, *words)
    assert ran.code == 1
    assert line in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert not Job.objects.exists()


def test_files_that_are_none_are_told(person: User, maple: Family, tmp_path: Path) -> None:
    assert "No such file" in bring(tmp_path / "none.csv", "--family", "r0maple", "--yes").err
    empty = tmp_path / "empty.csv"
    empty.touch()
    ran = bring(empty, "--family", "r0maple", "--yes")
    assert ran.is_one_line_of_trouble
    assert "There is nothing in it" in ran.err


def test_nobody_but_a_manager_imports_and_within_their_reach(maple: Family, file: Path, tower) -> None:
    AuditorFactory(email="marta@gatehouse.example")
    ran = bring(file, "--family", "r0maple", "--yes")
    assert ran.is_one_line_of_trouble
    assert "no manager who may sign in" in ran.err
    somebody = limited(ManagerFactory, tower)
    ran = run("import_residents", str(file), "--by", somebody.email, "--family", "r0maple", "--yes")
    assert "reaches no family" in ran.err


def test_where_nothing_would_be_sent_it_ends_so(person: User, maple: Family, file: Path) -> None:
    for email in ("ana@example.org", "bo@example.org"):
        MemberFactory(family=maple, email=email, auth="guest")
    ran = bring(file, "--family", "r0maple", "--yes")
    assert (ran.code, Job.objects.count()) == (1, 0)
    assert "no row of it would be sent" in ran.err


def test_words_are_said_and_remembered_for_such_a_sheet(person: User, maple: Family, tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("Name;E-mail;Rights\nAna;ana@example.org;Chief\nBo;bo@example.org;Kid\n")
    told = bring(path, "--family", "r0maple", "--dry-run", "--json").json
    assert (told["unknown_words"], told["to_send"]) == (["Chief", "Kid"], 0)
    ran = bring(
        path,
        "--family",
        "r0maple",
        "--word",
        "chief=administrator",
        "--word",
        "KID=leave-out",
        "--yes",
        "--json",
    )
    assert (ran.code, ran.json["to_send"], ran.json["unknown_words"]) == (0, 1, [])
    assert JobRow.objects.get(state=RowState.WAITING).values["auth"] == "user"
    # Said once.
    path.write_text("Name;E-mail;Rights\nEva;eva@example.org;Chief\n")
    assert bring(path, "--family", "r0maple", "--dry-run", "--json").json["to_send"] == 1


@pytest.mark.parametrize("word", ["chief", "=member", "chief=owner"])
def test_a_word_that_says_nothing_is_one_line_of_trouble(
    person: User, maple: Family, file: Path, word: str
) -> None:
    ran = bring(file, "--family", "r0maple", "--word", word, "--yes", "--json")
    assert ran.is_one_line_of_trouble
    assert not Job.objects.exists()


def test_whether_there_is_a_header_can_be_said(person: User, maple: Family, tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("Ana;ana@example.org\nBo;bo@example.org\n")
    assert bring(path, "--family", "r0maple", "--dry-run", "--json").json["rows"] == 2
    columns = ["--columns", "full_name,email"]
    said = bring(path, "--family", "r0maple", "--header", "yes", *columns, "--dry-run", "--json").json
    assert said["rows"] == 1
