from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import SINCE_EVER, TempKey
from access.sync import runs
from access.sync.passes import Whose
from families.models import Family, Kind, Reach, Rights, SyncState
from families.sync import planner
from portal.audit.models import State
from portal.audit.trail import By
from portal.connections import rotation
from portal.connections.models import Connection, Health
from portal.keys import replace
from portal.sealing import key_ring
from tests.access.passing import key, read_passes, tell, there
from tests.factories import (
    CommandFactory,
    FamilyAdminFactory,
    GrantFactory,
    PropertyLimitFactory,
    UserFactory,
)
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND, THIRD = "912345671", "912345672", "912345673"


@pytest.fixture
def connection(simulator):
    simulator.reset(families=1)
    return connect(simulator)


@pytest.fixture
def family(connection):
    read(connection, Kind.FAMILIES)
    return Family.objects.get()


def state():
    return SyncState.objects.get(kind=Kind.TEMP_KEYS)


def stored():
    """Everything that is kept of passes and of the reading of them, as text."""
    return str([list(TempKey.objects.values()), list(SyncState.objects.values())])


def test_a_pass_that_appears_is_kept_without_its_digits_and_its_qr(simulator, connection, family):
    tell(simulator, key(FIRST))
    report = read_passes(connection)
    assert report.counts["temp_keys"] == 1
    found = TempKey.objects.get()
    assert (found.family, found.reach.connection, found.account_id) == (
        family,
        connection,
        found.reach.account_id,
    )
    assert found.starts_at == datetime(2030, 1, 1, 8, tzinfo=UTC)
    assert found.ends_at == found.sorted_at == datetime(2030, 1, 2, 8, tzinfo=UTC)
    assert (found.uses, found.label, found.made_by, found.is_ours) == (5, "", None, False)
    assert FIRST not in stored()
    assert "CANARY" not in stored()


def test_an_unchanged_answer_costs_nothing_and_a_used_pass_is_told_anew(simulator, connection, family):
    tell(simulator, key(FIRST), key(SECOND))
    read_passes(connection)
    assert read_passes(connection).changed == 0
    tell(simulator, key(SECOND, count=4), key(FIRST, finish="2030-02-01 00:00:00"))
    assert read_passes(connection).changed == 1
    assert there().count() == 2
    assert set(there().values_list("uses", flat=True)) == {5, 4}
    assert there().filter(ends_at=datetime(2030, 2, 1, tzinfo=UTC)).count() == 1


def test_a_pass_is_gone_after_two_answers_and_all_of_them_after_three(simulator, connection, family):
    tell(simulator, key(FIRST), key(SECOND), key(THIRD))
    read_passes(connection)
    tell(simulator, key(FIRST), key(SECOND))
    read_passes(connection)
    assert there().count() == 3
    assert TempKey.objects.filter(missing_answers=1, missing_since__isnull=False).count() == 1
    read_passes(connection)
    assert there().count() == 2
    tell(simulator)
    for left in (2, 2, 0):
        read_passes(connection)
        assert there().count() == left


def test_one_that_was_missing_once_is_there_again_and_stays_the_same_row(simulator, connection, family):
    tell(simulator, key(FIRST), key(SECOND))
    read_passes(connection)
    before = set(there().values_list("pk", flat=True))
    tell(simulator, key(SECOND))
    read_passes(connection)
    tell(simulator, key(FIRST), key(SECOND))
    read_passes(connection)
    assert set(there().values_list("pk", flat=True)) == before
    assert not TempKey.objects.exclude(missing_answers=0, missing_since=None).exists()


def test_the_same_digits_after_it_was_gone_are_another_pass_that_is_no_younger(simulator, connection, family):
    tell(simulator, key(FIRST), key(SECOND))
    read_passes(connection)
    tell(simulator, key(SECOND))
    read_passes(connection)
    read_passes(connection)
    tell(simulator, key(FIRST), key(SECOND))
    read_passes(connection)
    assert TempKey.objects.count() == 3
    assert there().count() == 2
    assert set(TempKey.objects.values_list("made_after", flat=True)) == {SINCE_EVER}


def test_a_deletion_of_ours_counts_at_once_and_a_refused_one_explains_nothing(simulator, connection, family):
    tell(simulator, key(FIRST), key(SECOND), key(THIRD))
    read_passes(connection)
    one, other, _ = there()
    for row, outcome in ((one, State.UNKNOWN), (other, State.REFUSED)):
        row.deletion = CommandFactory(state=outcome)
        row.save(update_fields=["deletion"])
    tell(simulator, key(THIRD))
    read_passes(connection)
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.gone_at is not None
    assert other.gone_at is None
    read_passes(connection)
    other.refresh_from_db()
    assert other.gone_at is not None


def test_what_cannot_be_read_is_named_without_its_digits_and_the_rest_is_shown(simulator, connection, family):
    tell(
        simulator,
        key(FIRST, start="tomorrow", finish=""),
        key(SECOND, start="2030-01-02 08:00:00", finish="2030-01-01 08:00:00"),
        key(SECOND),
        key(THIRD, count=None),
        key("912345674", count="many"),
    )
    read_passes(connection)
    assert there().count() == 3
    assert there().filter(starts_at=None, ends_at=None).exclude(raw_window="").count() == 2
    assert there().get(raw_window__startswith="tomorrow").sorted_at is not None
    assert there().get(uses=None).ends_at is not None
    named = state().not_understood
    for words in ("row 5", "count is not a whole number", "1 passes stand twice", "pass 1: its window"):
        assert words in named
    assert "91234567" not in named
    # Where a row could not be read, none is missed; one whose window cannot be read is known all the same.
    tell(simulator, key("912345674", count="many"))
    for _ in range(4):
        read_passes(connection)
    assert there().count() == 3
    tell(simulator, key(FIRST, start="tomorrow", finish=""))
    for _ in range(2):
        read_passes(connection)
    assert there().count() == 1


class TestWhose:
    """Two of the organisation's accounts in one family: only that of the one that acts there is read."""

    @pytest.fixture
    def both(self, simulator):
        simulator.reset(families=3)
        first = connect(simulator)
        read(first, Kind.FAMILIES, Kind.MEMBERS)
        reach = Reach.objects.filter(connection=first).order_by("pk").first()
        second = connect(simulator, name="Other")
        other = Reach.objects.create(
            connection=second, family=reach.family, account_id="another", auth=Rights.GUEST
        )
        Reach.objects.filter(pk=reach.pk).update(auth=Rights.ADMIN)
        SyncState.objects.exclude(family=reach.family).delete()
        return first, second, reach, other

    def test_the_passes_of_the_account_that_acts_are_read_and_the_others_are_left_alone(
        self, simulator, both
    ):
        first, second, reach, other = both
        tell(simulator, key(FIRST))
        runs.read_now([first, second], kinds=[Kind.TEMP_KEYS])
        assert there().get().reach == reach
        Reach.objects.filter(pk=other.pk).update(
            auth=Rights.ADMIN, first_seen_at=timezone.now() - timedelta(days=900)
        )
        Reach.objects.filter(pk=reach.pk).update(auth=Rights.USER)
        tell(simulator)
        for _ in range(4):
            runs.read_now([first, second], kinds=[Kind.TEMP_KEYS])
        assert there().get().reach == reach
        tell(simulator, key(FIRST))
        runs.read_now([first, second], kinds=[Kind.TEMP_KEYS])
        assert set(there().values_list("reach", flat=True)) == {reach.pk, other.pk}
        assert len(set(there().values_list("fingerprint", flat=True))) == 2

    def test_the_same_answer_of_another_account_is_not_taken_for_unchanged(self, simulator, both):
        first, second, reach, other = both
        tell(simulator)
        TempKey.objects.create(
            reach=other,
            account_id=other.account_id,
            family=reach.family,
            fingerprint="old:0",
            made_after=SINCE_EVER,
        )
        runs.read_now([first, second], kinds=[Kind.TEMP_KEYS])
        Reach.objects.filter(pk=reach.pk).update(auth=Rights.GUEST)
        Reach.objects.filter(pk=other.pk).update(auth=Rights.ADMIN)
        for _ in range(3):
            runs.read_now([first, second], kinds=[Kind.TEMP_KEYS])
        assert not there().exists()

    def test_nobody_else_reads_them_while_the_account_that_acts_rests(self, simulator, both):
        first, second, reach, _ = both
        Connection.objects.filter(pk=first.pk).update(
            health=Health.FAILING, open_until=timezone.now() + timedelta(minutes=5)
        )
        SyncState.objects.filter(family=reach.family).update(due_at=timezone.now())
        sent = []
        planner.plan(sent.append)
        kinds = SyncState.objects.filter(pk__in=[pk for chunk in sent for pk in chunk]).values_list(
            "kind", flat=True
        )
        assert Kind.MEMBERS in kinds
        assert Kind.TEMP_KEYS not in kinds
        report = runs.read_now([second], kinds=[Kind.TEMP_KEYS])
        assert (report.good, report.failures) == ([], [])

    def test_a_connection_signed_in_as_another_account_leaves_the_first_ones_passes_alone(
        self, simulator, both
    ):
        first, _, reach, _ = both
        tell(simulator, key(FIRST))
        read_passes(first)
        Reach.objects.filter(pk=reach.pk).update(account_id="somebody else")
        tell(simulator, key(SECOND))
        for _ in range(3):
            read_passes(first)
        assert set(there().values_list("account_id", flat=True)) == {reach.account_id, "somebody else"}


class TestBeforeTheGrant:
    """What may have been there before a family admin was given the family is not theirs to see."""

    def test_passes_of_a_first_answer_are_hidden_and_later_ones_shown(self, simulator, connection, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family, starts_at=timezone.now() - timedelta(hours=1))
        tell(simulator, key(FIRST))
        read_passes(connection)
        assert not TempKey.objects.visible_to(person).exists()
        tell(simulator, key(FIRST), key(SECOND))
        read_passes(connection)
        assert TempKey.objects.visible_to(person).get().made_after > SINCE_EVER

    def test_one_that_may_have_come_between_two_answers_across_the_start_is_hidden(
        self, simulator, connection, family
    ):
        person = FamilyAdminFactory()
        tell(simulator, key(FIRST))
        read_passes(connection)
        GrantFactory(person=person, family=family, starts_at=timezone.now())
        tell(simulator, key(FIRST), key(SECOND))
        read_passes(connection)
        assert not TempKey.objects.visible_to(person).exists()

    def test_after_an_answer_that_was_read_in_part_nobody_knows_what_is_new(
        self, simulator, connection, family
    ):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family, starts_at=timezone.now() - timedelta(hours=1))
        tell(simulator, key(FIRST, count="many"))
        read_passes(connection)
        tell(simulator, key(FIRST))
        read_passes(connection)
        assert not TempKey.objects.visible_to(person).exists()

    def test_one_that_was_gone_and_is_back_is_no_younger(self, simulator, connection, family):
        person = FamilyAdminFactory()
        GrantFactory(person=person, family=family, starts_at=timezone.now() - timedelta(hours=1))
        for keys in ([FIRST, SECOND], [FIRST], [FIRST], [FIRST, SECOND]):
            tell(simulator, *(key(one) for one in keys))
            read_passes(connection)
        assert there().count() == 2
        assert not TempKey.objects.visible_to(person).exists()

    def test_others_see_those_of_their_families(self, simulator, connection, family):
        tell(simulator, key(FIRST))
        read_passes(connection)
        limited = UserFactory(is_limited=True)
        assert TempKey.objects.visible_to(UserFactory()).count() == 1
        assert not TempKey.objects.visible_to(limited).exists()
        family.property = PropertyLimitFactory(person=limited).property
        family.save()
        assert TempKey.objects.visible_to(limited).count() == 1


class TestKeys:
    def test_a_fingerprint_says_whose_digits_it_is_of(self, connection, family):
        other = Family(residence_id="another")
        prints = {
            Whose(family, "a").fingerprint(FIRST),
            Whose(family, "b").fingerprint(FIRST),
            Whose(other, "a").fingerprint(FIRST),
            Whose(family, "a").fingerprint(SECOND),
        }
        assert len(prints) == 4
        assert Whose(family, "a").fingerprint(FIRST) in prints
        assert all(len(one) <= 64 for one in prints)

    @pytest.fixture(autouse=True)
    def keys_of_before(self):
        text = key_ring.path.read_text()
        yield
        replace(key_ring.path, text)
        key_ring.forget()

    def test_after_a_rotation_the_next_answer_renews_them_and_the_old_key_can_go(
        self, simulator, connection, family
    ):
        tell(simulator, key(FIRST), key(SECOND))
        read_passes(connection)
        before = {row.pk: row.fingerprint for row in there()}
        digest = bytes(state().digest)
        old = rotation.rotate(By.operator())
        assert rotation.retire(By.operator()).retired == ()
        report = read_passes(connection)
        assert (report.changed, report.counts["temp_keys"]) == (1, 0)
        after = {row.pk: row.fingerprint for row in there()}
        assert after.keys() == before.keys()
        assert all(one.startswith(old.key_id) for one in after.values())
        assert bytes(state().digest) != digest
        assert len(rotation.retire(By.operator()).retired) == 1
        read_passes(connection)
        assert {row.pk: row.fingerprint for row in there()} == after


def test_a_kind_of_its_own_costs_one_call_a_family_and_no_query_when_unchanged(simulator):
    counts = []
    for families in (2, 12):
        Family.objects.all().delete()
        Connection.objects.all().delete()
        simulator.reset(families=families, rotate_pictures_seconds=36_000)
        connection = connect(simulator)
        read(connection)
        simulator.clear_journal()
        SyncState.objects.update(due_at=timezone.now())
        Connection.objects.update(last_good_at=timezone.now())
        ids = list(SyncState.objects.filter(kind=Kind.TEMP_KEYS).values_list("pk", flat=True))
        with CaptureQueriesContext(database) as captured:
            report = runs.run_chunk(ids)
        assert (report.changed, len(report.good)) == (0, families)
        assert len(simulator.journal()) == families
        counts.append(len(captured))
    assert counts[0] == counts[1]
