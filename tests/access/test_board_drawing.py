"""A card is drawn by stencils: what they give is what the templates give."""

import re
from itertools import product
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from access.selectors.board import DoorFilter, list_doors
from access.views import drawing
from access.views.drawing import Draughtsman
from access.views.live import live_cards
from portal.web.stencils import fill
from tests.factories import (
    AuditorFactory,
    DeviceFactory,
    FamilyAdminFactory,
    FamilyFactory,
    GrantFactory,
    ManagerFactory,
    OutageFactory,
    PropertyFactory,
    RelayFactory,
)

NAME = "<b>Núñez & “Söhne”</b>"


class Relay(SimpleNamespace):
    def __str__(self) -> str:
        return self.name


def squeezed(html: str) -> str:
    # A form's token is masked anew each time.
    return re.sub(r"\s+", " ", re.sub(r'(csrfmiddlewaretoken" value=")[^"]+', r"\1", html)).strip()


@pytest.mark.parametrize("press", ["token", ""])
@pytest.mark.django_db
def test_a_button_is_what_its_template_gives(rf, press):
    relay = Relay(public_id="relay-1", name=NAME, is_security=False)
    for person in (ManagerFactory(), FamilyAdminFactory()):
        request = rf.get("/")
        request.user = person
        for is_online, holds, is_shared, hides_family in product([True, False], repeat=4):
            device = SimpleNamespace(is_online=is_online)
            card = {
                "relay": relay,
                "url": "/open/?a=1&b=2",
                "ask_url": "/ask/",
                "press": press,
                "holds": holds,
                "is_shared": is_shared,
            }
            drawn = Draughtsman(request, hides_family=hides_family).slot(device, card)
            context = {"relay": relay, "device": device, "card": card, "hides_family": hides_family}
            wanted = render_to_string("access/_press.html", context, request)
            assert squeezed(drawn) == squeezed(wanted)


@pytest.mark.django_db
def test_each_part_of_a_card_is_what_its_template_gives(rf, monkeypatch):
    filled = []

    def both(template, flags, values):
        drawn = fill(template, flags, values)
        assert drawn == render_to_string(template, as_context({**flags, **values}))
        filled.append(template)
        return drawn

    monkeypatch.setattr(drawing, "fill", both)
    family = FamilyFactory(name=NAME, property=PropertyFactory(name=NAME[:40]))
    told = {"name": NAME, "sip": NAME, "device_type": NAME}
    gates = [DeviceFactory(family=one, mac="0C", is_public=True, **told) for one in (family, FamilyFactory())]
    own = DeviceFactory(family=family, is_online=False, last_opening_at=timezone.now(), **told)
    OutageFactory(device=own)
    for device in (*gates, own):
        RelayFactory(device=device, name=NAME)
        RelayFactory(device=device, name=NAME, is_security=True)
    admin = FamilyAdminFactory()
    GrantFactory(person=admin, family=family)
    request = rf.get("/")
    for request.user in (ManagerFactory(), admin, AuditorFactory()):
        cards = live_cards(request.user, list_doors(request.user, DoorFilter()).devices)
        assert len(cards) == 2
        for of_family, is_oob, may_choose in product([True, False], repeat=3):
            by = Draughtsman(
                request,
                heading="h3" if of_family else "h2",
                hides_family=of_family,
                is_oob=is_oob,
                may_choose=may_choose,
            )
            assert not any("<b>" in by.card(card) for card in cards)
    assert set(filled) == {
        f"access/_{name}.html" for name in ("door", "door_card", "door_doors", "door_state", "press")
    }


def as_context(named):
    """What a template takes, of names with dots in them."""
    context = {name: value for name, value in named.items() if "." not in name}
    for name, value in named.items():
        above, _, last = name.partition(".")
        if last and above not in named:
            context.setdefault(above, {})[last] = value
    return context
