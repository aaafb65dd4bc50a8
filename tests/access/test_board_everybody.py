"""The statement of whoever sees all is written once: it finds what is found for somebody whose statement is written each time."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from access.macs import device_text
from access.selectors import DoorFilter, list_doors
from access.selectors.board import PAGE_SIZE
from tests.factories import (
    DeviceFactory,
    FamilyFactory,
    ManagerFactory,
    OutageFactory,
    PropertyFactory,
    PropertyLimitFactory,
    RelayFactory,
)

pytestmark = pytest.mark.django_db
SHARED_MAC = "0C110532D226"


@pytest.fixture
def estate():
    """Doors of three families in one property, one of them gone, which share a gate; and who sees no more than these."""
    place = PropertyFactory(name="North Court")
    for number, name in enumerate(["Silva", "Ferreira", "Silva Gone"]):
        family = FamilyFactory(name=name, search_text=name.lower(), property=place)
        own = made(f"Door {number}", f"0C{number:010}", family=family, is_online=number == 1)
        RelayFactory(device=own, name="Inner")
        OutageFactory(device=own)
        seen = timezone.now() - timedelta(days=number)
        made("Gate", SHARED_MAC, family=family, is_public=True, is_online=number > 0, last_opening_at=seen)
    family.gone_at = timezone.now()
    family.save()
    return ManagerFactory(), PropertyLimitFactory(property=place).person


def made(name, mac, **fields):
    return DeviceFactory(name=name, mac=mac, search_text=device_text(name, mac), **fields)


def told(page):
    return [
        (
            *(device.pk, device.name, device.family.name, device.family.property.name, device.shared_by),
            *(device.last_opening_at, device.offline_since, device.read_at, len(device.watch.outages)),
            [relay.pk for relay in device.open_relays],
        )
        for device in page.devices
    ], (page.total, page.online, page.fitting)


def test_by_every_filter(estate):
    everybody, somebody = estate
    found = set()
    for text, state, is_public in product(
        ["", "silva", "si", "gate", "0c:11:05:32:d2:26", "door 1", "nobody", "‮"],
        ["", "online", "offline"],
        [False, True],
    ):
        chosen = DoorFilter(text=text, state=state, is_public=is_public)
        page = list_doors(everybody, chosen)
        assert told(page) == told(list_doors(somebody, chosen)), chosen
        found.add((page.total, page.online, page.fitting))
    # Two doors and their gate, of which one door is online; and the gate's first row is not.
    assert {(total, online) for total, online, _ in found} == {(3, 1)}
    assert {fitting for *_, fitting in found} == {0, 1, 2, 3}


@pytest.mark.parametrize("chosen", [DoorFilter(), DoorFilter(text="same")])
def test_page_by_page_both_ways(chosen):
    place = PropertyFactory()
    everybody, somebody = ManagerFactory(), PropertyLimitFactory(property=place).person
    for number in range(2 * PAGE_SIZE + 2):
        family = FamilyFactory(property=place)
        made("Same", f"0D{number // 2:010}", family=family, is_public=number % 3 == 0)
    pages = [list_doors(everybody, chosen)]
    while pages[-1].after:
        pages.append(list_doors(everybody, chosen, after=pages[-1].after))
    assert len(pages) > 1
    for page, before in zip(pages[1:], pages, strict=False):
        assert told(page) == told(list_doors(somebody, chosen, after=before.after))
        assert told(before) == told(list_doors(everybody, chosen, before=page.before))
