"""The index of searchable texts: it says the same as the texts themselves, whoever wrote them."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models.signals import post_migrate
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.models import Device
from families.models import Family, Member
from families.selectors import families_matching, names_matching
from families.sync import bulk
from families.words import put_index
from portal.text import searchable
from tests.factories import DeviceFactory, FamilyFactory, MemberFactory

pytestmark = pytest.mark.django_db
TABLES = ("families_family", "families_member", "access_device")
HOSTILE = (
    *(
        "%",
        "_",
        "%%%",
        "a%b",
        "'",
        '"',
        '""',
        '"""abc',
        "' OR 1=1 --",
        "abc' --",
        "\\",
        "abc\\",
        "\u202e",
        "{{ x }}",
    ),
    *(
        "abc AND",
        "NOT abc",
        "abc OR def",
        "abc*",
        "^abc",
        "NEAR(abc def)",
        "words:abc",
        "(abc",
        "abc)",
        "-abc",
        "+abc",
    ),
    *(
        "a" * 10_000,
        "\ud800",
        "abc\ud800def",
        "𝕬𝖇𝖈",
        "🏠",
        "🏠🏠🏠",
        "; DROP TABLE families_family",
        "%s",
        "%(x)s",
    ),
)


def found(text: str) -> list[str]:
    return sorted(Family.objects.filter(families_matching(text)).values_list("name", flat=True))


def unindex() -> None:
    """The database as it was before there was an index."""
    with connection.cursor() as cursor:
        for table in TABLES:
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP INDEX {table}_words")
                continue
            kinds = ("words",) if table == "families_family" else ("words", "owners")
            for kind in kinds:
                for trigger in ("put", "take", "change"):
                    cursor.execute(f"DROP TRIGGER {table}_{kind}_{trigger}")
                cursor.execute(f"DROP TABLE {table}_{kind}")


def migrated() -> None:
    """What every migrate ends with."""
    for label in ("families", "access"):
        app = apps.get_app_config(label)
        post_migrate.send(
            sender=app,
            app_config=app,
            using="default",
            verbosity=0,
            interactive=False,
            plan=[],
            apps=apps,
            stdout=None,
        )


class TestDevices:
    @pytest.mark.parametrize("text", ["courtyard", "GÂTE", "co", "c", "0c:11:05", "gate court"])
    def test_a_family_is_found_by_its_device(self, text):
        family = FamilyFactory(name="Fly")
        DeviceFactory(
            family=family, name="Courtyard Gâte", search_text=searchable("Courtyard Gâte", "0C:11:05")
        )
        DeviceFactory(family=FamilyFactory(name="Other"), name="Lobby")

        assert found(text) == ["Fly"]

    def test_a_device_that_is_gone_finds_nothing(self):
        DeviceFactory(name="Courtyard", gone_at=timezone.now())

        assert found("courtyard") == []

    def test_a_family_that_is_found_in_three_ways_is_found_once(self):
        family = FamilyFactory(name="Silva")
        MemberFactory.create_batch(3, family=family, last_name="Silva")
        DeviceFactory.create_batch(2, family=family, name="Silva's door")

        assert found("silva") == ["Silva"]


class TestEveryWriter:
    def test_a_row_that_is_changed_is_found_by_what_it_says_now(self):
        family = FamilyFactory(name="Before")
        family.name, family.search_text = "After", "after"
        family.save()
        assert (found("before"), found("after")) == ([], ["After"])

        Family.objects.update(search_text="by update")
        assert (found("after"), found("by update")) == ([], ["After"])

        family.search_text = "in bulk"
        Family.objects.bulk_update([family], ["search_text"])
        assert (found("by update"), found("in bulk")) == ([], ["After"])

    def test_rows_written_past_the_orm_are_found(self):
        device = DeviceFactory(family__name="Fly", name="Lobby")
        bulk.update(Device, ["search_text"], [("courtyard", device.pk)])
        assert (found("lobby"), found("courtyard")) == ([], ["Fly"])

        columns = (
            "public_id",
            "family_id",
            "account_id",
            "account_name",
            "first_name",
            "last_name",
            "email",
            "auth",
        )
        columns += ("search_text", "first_seen_at", "last_seen_at", "missing_answers")
        now = timezone.now()
        row = ("x", device.family_id, "a", "", "Zoë", "", "", "guest", "zoe", now, now, 0)
        bulk.insert(Member, columns, [row])
        assert found("zo") == ["Fly"]

    def test_a_row_that_is_deleted_is_found_no_more(self):
        family = FamilyFactory(name="Silva")
        MemberFactory(family=family, first_name="Mariana")
        Member.objects.all().delete()
        assert found("mariana") == []

        family.delete()
        FamilyFactory(name="Other")
        assert found("silva") == []

    def test_a_row_that_goes_and_comes_back_is_lost_and_found(self):
        member = MemberFactory(family__name="Fly", first_name="Mariana")
        Member.objects.update(gone_at=timezone.now())
        assert found("mariana") == []
        bulk.update(Member, ["gone_at"], [(None, member.pk)])
        assert found("mariana") == ["Fly"]

    def test_a_row_that_moves_to_another_family_is_found_there(self):
        device = DeviceFactory(family__name="Fly", name="Courtyard")
        device.family = FamilyFactory(name="Sea")
        device.save()
        assert found("courtyard") == ["Sea"]

    def test_what_is_undone_is_not_found(self):
        with transaction.atomic():
            FamilyFactory(name="Silva")
            assert found("silva") == ["Silva"]
            transaction.set_rollback(True)

        assert found("silva") == []


class TestMigrating:
    def test_a_database_that_was_filled_before_is_indexed_by_migrate(self):
        unindex()
        MemberFactory(family=FamilyFactory(name="Fly"), first_name="Mariana")
        DeviceFactory(family=FamilyFactory(name="Sea"), name="Courtyard")
        migrated()

        assert (found("fly"), found("mariana"), found("courtyard")) == (["Fly"], ["Fly"], ["Sea"])
        Family.objects.update(search_text="afterwards")
        assert found("afterwards") == ["Fly", "Sea"]

    def test_migrating_again_changes_nothing(self):
        FamilyFactory(name="Fly")
        migrated()
        migrated()

        assert found("fly") == ["Fly"]

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="the triggers are SQLite's")
    def test_what_was_written_while_a_trigger_was_missing_is_found_after_migrating(self):
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER families_family_words_change")
        family = FamilyFactory(name="Before")
        Family.objects.update(search_text="after")
        migrated()

        assert (found("before"), found("after")) == ([], [family.name])

    def test_a_table_that_is_not_made_yet_is_left_alone(self):
        put_index(connection, "no_such_table")

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no rights")
    def test_where_the_extension_may_not_be_made_searching_works_without(self, caplog):
        unindex()
        with connection.cursor() as cursor:
            cursor.execute("DROP EXTENSION pg_trgm")
            cursor.execute(
                "CREATE ROLE nobody_special; GRANT ALL ON ALL TABLES IN SCHEMA public TO nobody_special"
            )
            cursor.execute("SET LOCAL ROLE nobody_special")
            migrated()
            FamilyFactory(name="Silva")

            assert found("silva") == ["Silva"]
            assert "Searching families_family will be slow" in caplog.text
            cursor.execute("RESET ROLE")

    @pytest.mark.parametrize("table", TABLES)
    def test_searching_uses_the_index(self, table):
        model = {"families_family": Family, "families_member": Member, "access_device": Device}[table]
        rows = model.objects.filter(names_matching("silva li"))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
            assert f"Bitmap Index Scan on {table}_words" in rows.explain()
        else:
            assert f"SCAN {table}_words VIRTUAL TABLE INDEX" in rows.explain()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_a_text(text):
    FamilyFactory(name="abc", search_text="abc")
    FamilyFactory(name="def", search_text="def")

    assert found(text) in ([], ["abc"])
    assert found(text) == found_by_looking(text)


@pytest.mark.parametrize("text", ["100%", "a_b", 'say "hi"', "back\\slash", "o'neil", "🏠🏠🏠", "a*b^c"])
def test_what_means_something_to_a_database_is_found_as_it_stands(text):
    FamilyFactory(name="It", search_text=searchable("The", text))
    FamilyFactory(name="Other", search_text="the 100 aXb say hi backslash oneil abc")

    assert found(text) == ["It"]


def found_by_looking(text: str) -> list[str]:
    """The same by looking through the texts, without an index."""
    words = " ".join(searchable(text.encode(errors="replace").decode()).split()[:8])
    if not words:
        return sorted(Family.objects.values_list("name", flat=True))
    return sorted(Family.objects.filter(search_text__finds_here=words).values_list("name", flat=True))


LETTERS = st.text(st.sampled_from("abAB éñ李家王%_\"'\\-*^ß 1"), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(LETTERS, min_size=1, max_size=6), text=LETTERS)
def test_the_index_finds_what_looking_finds(names, text):
    with transaction.atomic():
        for number, name in enumerate(names):
            FamilyFactory(name=f"{number} {name}", search_text=searchable(name))

        assert found(text) == found_by_looking(text)
        transaction.set_rollback(True)


def test_no_transaction_breaks_over_a_search():
    with transaction.atomic():
        for text in HOSTILE:
            try:
                found(text)
            except DatabaseError as error:  # pragma: no cover - said by the assertion
                pytest.fail(f"{text[:40]!r}: {error}")
