"""The people on a family's page: what each of those who look may see and do."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from families.models import Member, Rights, SyncState
from tests.factories import AuditorFactory, GrantFactory, MemberFactory
from tests.families.house import HTMX
from tests.families.members.acting import guests
from tests.families.members.asking import address

pytestmark = pytest.mark.django_db


def row_of(page: str, member: Member) -> str:
    return next(row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if member.name in row)


class TestTable:
    def test_each_stands_with_rights_address_and_when_they_were_seen(self, client, simulator, owned, manager):
        member = guests(owned)[0]
        long_ago = timezone.now() - timedelta(days=40)
        Member.objects.filter(pk=member.pk).update(first_seen_at=long_ago)

        row = row_of(client.get(address("family_detail", owned)).text, member)

        assert member.email in row
        assert ">Member</span>" in row
        assert f'datetime="{long_ago.isoformat(timespec="seconds")}"' in row
        read_at = SyncState.objects.get().last_good_at
        assert f'datetime="{read_at.isoformat(timespec="seconds")}"' in row
        assert simulator.journal() == []

    def test_who_is_missing_is_said_with_since_when(self, client, owned, manager):
        member = guests(owned)[0]
        Member.objects.filter(pk=member.pk).update(missing_since=timezone.now(), missing_answers=1)

        assert "not seen" in row_of(client.get(address("family_detail", owned)).text, member)

    def test_owner_and_own_account_can_neither_be_changed_nor_chosen(
        self, client, owned, owner, connection, manager
    ):
        page = client.get(address("family_detail", owned)).text
        own = owned.members.get(account_id=connection.reaches.get().account_id)

        for member in (owner, own):
            row = row_of(page, member)
            assert "Remove" not in row
            assert "Make " not in row
            assert 'type="checkbox"' not in row
        assert "Gatehouse’s own account" in row_of(page, own)
        assert 'type="checkbox"' in row_of(page, guests(owned)[0])

    def test_an_unknown_right_can_be_made_either(self, client, owned, manager):
        member = guests(owned)[0]
        Member.objects.filter(pk=member.pk).update(auth="installer")

        row = row_of(client.get(address("family_detail", owned)).text, member)

        assert "installer" in row
        assert "Make administrator" in row
        assert "Make member" in row

    def test_an_auditor_only_looks(self, client, owned):
        client.force_login(AuditorFactory())

        page = client.get(address("family_detail", owned)).text

        assert guests(owned)[0].name in page
        for words in ("Make administrator", "Remove", "With those chosen", "Add somebody", "Hand the family"):
            assert words not in page

    def test_a_family_admin_reads_plain_words_and_no_managers_ways(self, client, owned):
        member = guests(owned)[0]
        person = GrantFactory(family=owned, member=member).person
        client.force_login(person)

        page = client.get(address("family_detail", owned)).text

        assert "People at home" in page
        assert "Take back access" in row_of(page, guests(owned)[1])
        assert "Leave" in row_of(page, member)
        assert ">You</span>" in row_of(page, member)
        for words in ("Add somebody directly", "Hand the family over", "Join it with"):
            assert words not in page

    def test_a_manager_finds_the_rarer_ways(self, client, owned, manager):
        page = client.get(address("family_detail", owned)).text

        assert address("member_create", owned) in page
        assert address("family_hand_over", owned) in page
        assert "Join it with" not in page

    def test_a_family_that_nothing_reaches_can_be_joined_by_who_manages_everything(
        self, client, owned, connection, manager
    ):
        connection.reaches.update(gone_at=timezone.now())

        assert "Join it with a connection’s account" in client.get(address("family_detail", owned)).text
        client.force_login(GrantFactory(family=owned).person)
        assert "Join it with" not in client.get(address("family_detail", owned)).text

    def test_a_family_that_is_gone_offers_nothing_else(self, client, owned, manager):
        owned.gone_at = timezone.now()
        owned.save()

        page = client.get(address("family_detail", owned)).text

        assert "Make administrator" not in page
        assert "Add somebody" not in page

    def test_markup_in_a_name_is_text(self, client, owned, manager):
        Member.objects.filter(auth=Rights.GUEST).update(first_name='<b hx-get="/x">', last_name="{{ 7 }}")

        page = client.get(address("family_detail", owned)).text

        assert "&lt;b hx-get=&quot;/x&quot;&gt; {{ 7 }}" in page
        assert "<b hx-get" not in page


class TestPoll:
    def test_nothing_new_is_an_empty_answer(self, client, simulator, owned, manager):
        since = SyncState.objects.get().last_good_at.isoformat()

        answer = client.get(address("member_list", owned), {"since": since}, headers=HTMX)

        assert answer.status_code == 204
        assert simulator.journal() == []

    @pytest.mark.parametrize("since", ["never", "2020-01-01T00:00:00+00:00", "2020-13-01", "x" * 900])
    def test_what_was_read_since_is_the_table(self, client, owned, manager, since):
        answer = client.get(address("member_list", owned), {"since": since}, headers=HTMX)

        assert answer.status_code == 200
        assert 'id="family-people"' in answer.text
        assert "<html" not in answer.text
        assert "data-poll" not in answer.text

    def test_opened_directly_it_leads_to_the_page(self, client, owned, manager):
        answer = client.get(address("member_list", owned))

        assert answer["Location"] == address("family_detail", owned)

    def test_a_strangers_family_is_not_there(self, client, owned):
        client.force_login(GrantFactory().person)

        assert client.get(address("member_list", owned), headers=HTMX).status_code == 404


def test_the_table_costs_the_same_for_many_people(client, owned, manager, django_assert_max_num_queries):
    for _ in range(40):
        MemberFactory(family=owned)
    client.get(address("family_detail", owned))

    # Session, person, family and access; members, invitations, when they were read, and which is oneself.
    with django_assert_max_num_queries(13):
        client.get(address("family_detail", owned), headers=HTMX)
