"""The frame of a family's page: which tabs there are, what stands above them, and the words for those who live there."""

import re

import pytest
from django.urls import reverse

from families.models import Member, Rights
from tests.factories import AuditorFactory, GrantFactory, MemberFactory, ReachFactory
from tests.families.house import HTMX

pytestmark = pytest.mark.django_db
TABS = ["people", "doors", "passes", "log", "changes"]


@pytest.fixture
def house():
    return ReachFactory(family__name="Casa Núñez", connection__name="Tower account").family


def address(name, house) -> str:
    return reverse(name, args=[house.public_id])


def tabs(text) -> list[str]:
    return re.findall(r'id="family-tab-(\w+)"', text)


@pytest.mark.parametrize(
    ("name", "tab"),
    [
        ("families:family_detail", "people"),
        ("access:family_doors", "doors"),
        ("access:family_passes", "passes"),
        ("desk:family_log", "log"),
        ("families:family_changes", "changes"),
    ],
)
def test_every_tab_is_a_page_inside_the_frame_and_marks_itself(client, manager, house, name, tab):
    page = client.get(address(name, house)).text
    fragment = client.get(address(name, house), headers=HTMX).text

    for text in (page, fragment):
        assert [name for name in tabs(text) if name in TABS] == TABS
        assert re.findall(r'id="family-tab-(\w+)"[^>]*aria-current="page"', text) == [tab]
        assert f'href="{address(name, house)}"' in text
    assert 'id="family-frame"' in page
    assert 'id="family-frame"' not in fragment
    assert (
        re.search(r"<title>([^<]*)</title>", page)[1].strip()
        == re.search(r"<title>([^<]*)</title>", fragment)[1]
    )


def test_the_head_names_the_owner_and_to_managers_the_connection(client, manager, house):
    MemberFactory(family=house, first_name="Zoe", last_name="Last", auth=Rights.ADMIN)
    head = client.get(address("desk:family_log", house)).text.split('id="family-tab"')[0]

    assert "Zoe Last" in head
    assert "Tower account" in head

    client.force_login(GrantFactory(family=house).person)
    head = client.get(address("desk:family_log", house)).text.split('id="family-tab"')[0]

    assert "Zoe Last" in head
    assert "Tower account" not in head


def test_a_restored_page_is_whole(client, manager, house):
    headers = HTMX | {"HX-History-Restore-Request": "true"}

    assert 'id="family-frame"' in client.get(address("families:family_changes", house), headers=headers).text


def test_the_name_comes_back_when_its_form_is_closed(client, manager, house):
    rename = address("families:family_rename", house)

    assert "<form" in client.get(rename, headers=HTMX).text
    closed = client.get(f"{rename}?closed", headers=HTMX).text
    assert "<form" not in closed
    assert "Casa Núñez" in closed


def test_those_who_live_there_are_told_what_each_may_do(client, house):
    client.force_login(GrantFactory(family=house).person)

    page = client.get(address("families:family_detail", house)).text

    assert "Who may do what" in page
    assert "Leaving this family" in page
    client.force_login(AuditorFactory())
    assert "Leaving this family" not in client.get(address("families:family_detail", house)).text


def test_an_owner_is_told_whom_to_ask_before_leaving_and_of_no_control_that_is_not_there(client, house):
    person = GrantFactory(family=house).person
    member = MemberFactory(family=house, email=person.email, auth="guest")
    client.force_login(person)
    url = address("families:family_detail", house)
    assert "take back your own access in the list above" in client.get(url).text

    Member.objects.filter(pk=member.pk).update(auth="admin")

    page = client.get(url).text
    assert "You own this family, and an owner cannot leave it." in page
    assert "take back your own access" not in page


def test_the_dashboard_takes_the_doors_alone(client, house):
    client.force_login(GrantFactory(family=house).person)

    page = client.get("/").text

    doors = address("access:family_doors", house)
    assert re.search(rf'hx-get="{doors}"[^>]*hx-select="#family-doors"', page)
    assert "hx-swap-oob" not in client.get(doors, headers=HTMX).text
