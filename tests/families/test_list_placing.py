"""Families of the list put into a property: those that were ticked, or all that match, told, agreed to and counted."""

import re

import pytest
from django.urls import reverse

from families.models import Family, Property
from families.selectors.listing import PAGE_SIZE
from families.services import placing_many
from families.services.placements import weigh_move
from families.services.placing_many import place_many
from portal.audit.models import Entry
from portal.audit.trail import AuditUnavailable, By
from tests.factories import (
    AuditorFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    MemberFactory,
    PropertyFactory,
    PropertyLimitFactory,
)
from tests.families.house import HTMX, a_trail_that_refuses

pytestmark = pytest.mark.django_db
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def address() -> str:
    return reverse("families:family_place")


def fields_of(page: str) -> dict[str, list[str]]:
    """The hidden fields of the form in a page, but for the CSRF token."""
    found: dict[str, list[str]] = {}
    for name, value in HIDDEN.findall(page):
        if name != "csrfmiddlewaretoken":
            found.setdefault(name, []).append(value)
    return found


def choose(client, *families: Family, target: Property | None = None, **more: str):
    wanted = {
        "family": [each.public_id for each in families],
        "target": target.public_id if target else "none",
    }
    return client.post(address(), wanted | more)


def agree(client, page, headers=None):
    return client.post(address(), fields_of(page.text), headers=headers)


def placed(place: Property | None) -> set[str]:
    return set(Family.objects.filter(property=place).values_list("name", flat=True))


def said(client) -> str:
    return client.get(reverse("families:family_list")).text


class TestBar:
    def test_a_manager_of_everything_ticks_families(self, client, manager, tower):
        family = FamilyFactory(name="<b>Fly</b>")

        page = client.get(reverse("families:family_list")).text

        assert f'<input type="checkbox" name="family" value="{family.public_id}">' in page
        assert "Choose &lt;b&gt;Fly&lt;/b&gt;" in page
        assert "js/selection" in page
        assert f'<option value="{tower.public_id}">Tower A</option>' in page
        assert 'name="all"' not in page

    def test_all_that_match_are_offered_where_they_are_more_than_the_page(self, client, manager, tower):
        FamilyFactory.create_batch(60, name="Fly")

        page = client.get(reverse("families:family_list", query={"q": "fly"}), headers=HTMX).text

        assert "All 60 that match, on every page" in page
        assert '<input type="hidden" name="q" value="fly">' in page
        assert page.count('name="family"') == 50

    def test_without_a_property_one_is_to_be_made(self, client, manager):
        FamilyFactory()

        assert f'<a href="{reverse("families:property_create")}">make one</a>' in said(client)

    @pytest.mark.parametrize("who", ["auditor", "limited", "family admin"])
    def test_others_tick_nothing_and_move_nothing(self, client, tower, who):
        family = FamilyFactory(name="Fly", property=tower)
        if who == "limited":
            person = PropertyLimitFactory(property=tower).person
        else:
            person = AuditorFactory() if who == "auditor" else GrantFactory(family=family).person
        client.force_login(person)
        page = said(client)

        assert "Fly" in page
        assert 'type="checkbox" name="family"' not in page
        assert "js/selection" not in page
        assert choose(client, family).status_code == 403
        assert placed(tower) == {"Fly"}


class TestTicked:
    def test_they_are_moved_after_one_has_agreed(self, client, manager, tower):
        fly, sea, other = FamilyFactory(name="Fly"), FamilyFactory(name="Sea"), FamilyFactory(name="Other")

        asked = choose(client, fly, sea, target=tower, q="f")
        assert "Put 2 families in Tower A" in asked.text
        assert placed(tower) == set()
        done = agree(client, asked)

        assert done["Location"] == reverse("families:family_list", query={"q": "f"})
        assert placed(tower) == {"Fly", "Sea"}
        assert placed(None) == {"Other"}
        assert "2 families were put in “Tower A”" in said(client)
        assert Entry.objects.filter(event="family.place").count() == 2
        assert other.name == "Other"

    def test_they_are_put_in_none(self, client, manager, tower):
        fly = FamilyFactory(name="Fly", property=tower)
        limit = PropertyLimitFactory(property=tower, person__name="Lena Limited")

        asked = choose(client, fly)
        assert "Put 1 family in no property" in asked.text
        assert "there already" not in asked.text
        assert "Lena Limited" in asked.text
        assert "button--danger" in asked.text
        agree(client, asked)

        assert placed(None) == {"Fly"}
        assert "1 family is in no property now" in said(client)
        assert limit.person.name == "Lena Limited"

    def test_who_is_there_already_is_left_out(self, client, manager, tower):
        here = FamilyFactory(property=tower)

        asked = choose(client, here, FamilyFactory(), target=tower)
        assert "Put 1 family in Tower A" in asked.text
        assert "1 more is there already" in asked.text

        answer = choose(client, here, target=tower)

        assert answer.status_code == 302
        assert "Nothing was moved: all of them are where they should be" in said(client)

    @pytest.mark.parametrize(
        ("more", "words"),
        [({"family": []}, "Choose at least one family"), ({"target": ""}, "Choose a property first")],
    )
    def test_an_incomplete_choice_is_said_beside_it(self, client, manager, tower, more, words):
        fly = FamilyFactory(name="Fly")

        answer = client.post(address(), {"family": [fly.public_id], "target": tower.public_id} | more)

        assert answer.status_code == 422
        assert words in answer.text
        assert 'role="alert"' in answer.text
        assert placed(tower) == set()

    def test_what_was_chosen_before_is_chosen_still(self, client, manager, tower):
        fly, rossi = FamilyFactory(name="Fly"), FamilyFactory(name="Rossi")

        asked = client.post(address(), {"family": [fly.public_id], "target": ""}).text
        assert f'value="{fly.public_id}" checked>' in asked
        assert f'value="{rossi.public_id}">' in asked
        assert asked.index('class="selection__bar"') < asked.index("Choose a property first")

        asked = client.post(address(), {"target": tower.public_id}).text
        assert f'<option value="{tower.public_id}" selected>' in asked

    def test_a_choice_on_a_later_page_is_asked_again_on_that_page(self, client, manager, tower):
        for number in range(PAGE_SIZE + 1):
            FamilyFactory(name=f"Name {number:03}")
        after = client.get(reverse("families:family_list")).context["page"].after
        page = client.get(reverse("families:family_list"), {"after": after})
        assert f'<input type="hidden" name="after" value="{after}">' in page.text
        last = page.context["page"].rows[-1].public_id

        asked = client.post(address(), {"family": [last], "target": "", "after": after}).text

        assert f'value="{last}" checked>' in asked

    def test_a_property_that_is_not_there_is_as_if_none_was_chosen(self, client, manager):
        assert choose(client, FamilyFactory(), target=Property(public_id="x" * 22)).status_code == 422

    def test_a_family_that_is_not_there_is_not_found(self, client, manager, tower):
        strange = Family(public_id="x" * 22)

        assert choose(client, strange, target=tower).status_code == 404

    def test_looking_at_the_address_leads_to_the_list(self, client, manager):
        assert client.get(address())["Location"] == reverse("families:family_list")

    def test_nobody_moves_anything_without_signing_in(self, client, tower):
        assert choose(client, FamilyFactory(), target=tower)["Location"].startswith(reverse("account_login"))

    def test_what_changed_meanwhile_is_asked_anew(self, client, manager, tower):
        fly, sea = FamilyFactory(name="Fly"), FamilyFactory(name="Sea")
        asked = choose(client, fly, sea, target=tower)
        Family.objects.filter(pk=sea.pk).update(property=PropertyFactory(name="Mill Lane"))

        again = agree(client, asked)

        assert again.status_code == 409
        assert "Somebody else changed something meanwhile" in again.text
        assert "out of Mill Lane" in again.text
        assert placed(tower) == set()
        agree(client, again)
        assert placed(tower) == {"Fly", "Sea"}

    def test_without_the_trail_nothing_is_moved(self, client, manager, tower):
        asked = choose(client, FamilyFactory(name="Fly"), target=tower)
        with a_trail_that_refuses():
            answer = agree(client, asked)

        assert answer.status_code == 503
        assert "Not moved: the audit trail is not available" in answer.text
        assert placed(tower) == set()
        agree(client, answer)
        assert placed(tower) == {"Fly"}


class TestAllThatMatch:
    def test_they_are_told_by_number_and_counted_when_done(self, client, manager, tower):
        FamilyFactory.create_batch(60, name="Fly")
        MemberFactory(family=FamilyFactory(name="Sea"), first_name="Flynn")
        FamilyFactory(name="Fly gone", gone_at=Family(name="x").first_seen_at)
        FamilyFactory(name="Other")

        asked = choose(client, target=tower, q="fly", all="1")
        assert "Put 61 families in Tower A" in asked.text
        assert "61 families match what you filtered by" in asked.text
        assert "family" not in fields_of(asked.text)
        agree(client, asked)

        assert placed(tower) == {"Fly", "Sea"}
        assert Family.objects.filter(property=tower).count() == 61
        assert "61 families were put in “Tower A”" in said(client)

    def test_the_filter_is_the_lists_and_moving_does_not_lose_those_that_then_fit_no_more(
        self, client, manager, tower, monkeypatch
    ):
        FamilyFactory.create_batch(5, is_online=False)
        FamilyFactory.create_batch(2)
        monkeypatch.setattr(placing_many, "MOST_AT_ONCE", 2)
        monkeypatch.setattr(placing_many, "SECONDS", 0)

        asked = choose(client, target=tower, all="1", property="none", state="offline")
        steps = [asked]
        while steps[-1].status_code == 200:
            steps.append(agree(client, steps[-1]))

        assert "2 of 5 are moved" in steps[1].text
        assert "4 of 5 are moved" in steps[2].text
        assert len(steps) == 4
        assert Family.objects.filter(property=tower).count() == 5
        assert "5 families were put in “Tower A”" in said(client)

    def test_a_family_that_came_meanwhile_is_asked_for(self, client, manager, tower):
        FamilyFactory.create_batch(3)
        asked = choose(client, target=tower, all="1")
        FamilyFactory()

        again = agree(client, asked)

        assert again.status_code == 409
        assert "Put 4 families in Tower A" in again.text
        assert placed(tower) == set()

    def test_many_are_not_named_one_by_one(self, client, manager, tower):
        FamilyFactory.create_batch(130)

        asked = choose(client, target=tower, all="1")

        assert "and 30 more" in asked.text


class TestOnTheWay:
    """It takes more than one request, and something happens between them."""

    @pytest.fixture
    def begun(self, client, manager, tower, monkeypatch):
        FamilyFactory.create_batch(6)
        monkeypatch.setattr(placing_many, "MOST_AT_ONCE", 2)
        monkeypatch.setattr(placing_many, "SECONDS", 0)
        return agree(client, choose(client, target=tower, all="1"))

    def test_it_goes_on_by_itself_in_a_fragment(self, client, begun, tower):
        assert 'hx-trigger="load delay:100ms, submit"' in begun.text

        step = agree(client, begun, HTMX)
        assert step.text.lstrip().startswith('<form class="form" id="family-placing"')
        assert "4 of 6 are moved" in step.text
        end = agree(client, step, HTMX)

        assert end["HX-Redirect"] == reverse("families:family_list")
        assert Family.objects.filter(property=tower).count() == 6

    def test_a_step_that_is_sent_twice_moves_nothing_twice(self, client, begun, tower):
        agree(client, begun)
        again = agree(client, begun)

        assert again.status_code == 409
        assert Family.objects.filter(property=tower).count() == 4
        assert Entry.objects.filter(event="family.place").count() == 4

    def test_what_was_done_is_told_when_the_rest_means_something_else(self, client, begun, tower):
        FamilyFactory()

        again = agree(client, begun)

        assert again.status_code == 409
        assert "2 families were moved before" in again.text
        assert "Put 5 families in Tower A" in again.text

    def test_what_was_done_is_told_when_the_trail_fails(self, client, begun, tower):
        with a_trail_that_refuses():
            answer = agree(client, begun)

        assert answer.status_code == 503
        assert "2 families were moved before" in answer.text
        assert Family.objects.filter(property=tower).count() == 2

    def test_in_a_fragment_one_is_led_to_the_list_that_says_so(self, client, begun):
        FamilyFactory()

        answer = agree(client, begun, HTMX)

        assert answer["HX-Redirect"] == reverse("families:family_list")
        assert "2 families were moved before" in said(client)

    def test_a_property_that_is_deleted_meanwhile_ends_it(self, client, begun, tower):
        tower.delete()

        assert agree(client, begun).status_code == 422


def test_the_part_that_fails_ends_it_and_what_was_moved_is_said(monkeypatch, tower):
    FamilyFactory.create_batch(5)
    families = list(Family.objects.order_by("pk"))
    monkeypatch.setattr(placing_many, "MOST_AT_ONCE", 2)
    # Somebody moves one of the second part when the first is done.
    other = PropertyFactory()

    class Later(list):
        def __getitem__(self, place):
            if isinstance(place, slice) and place.start == 2:
                Family.objects.filter(pk=families[2].pk).update(property=other)
            return super().__getitem__(place)

    by = By.person(ManagerFactory())
    real = weigh_move

    def weigh(target, chosen):
        move = real(target, chosen)
        return type(move)(move.target, Later(move.families), move.losing, move.gaining)

    monkeypatch.setattr(placing_many.placements, "weigh_move", weigh)
    done = place_many(by, tower, families, agreed=real(tower, families).digest)

    assert done.moved == 2
    assert isinstance(done.trouble, placing_many.MoveChanged)
    assert len(done.rest.families) == 3
    assert Family.objects.filter(property=tower).count() == 2


def test_a_trail_that_fails_at_the_first_part_is_an_error(tower):
    family = FamilyFactory()
    with a_trail_that_refuses(), pytest.raises(AuditUnavailable):
        place_many(By.person(ManagerFactory()), tower, [family], agreed=weigh_move(tower, [family]).digest)


def test_a_family_admin_may_not_whatever_the_view_thinks(tower):
    from django.core.exceptions import PermissionDenied

    with pytest.raises(PermissionDenied):
        place_many(By.person(FamilyAdminFactory()), tower, [], agreed="")
