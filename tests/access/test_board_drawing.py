"""A card is drawn by stencils: what they give is what the templates give."""

import re
from datetime import timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from access.selectors.outages import list_watches
from access.views.drawing import Draughtsman, strip_of
from tests.factories import DeviceFactory, FamilyAdminFactory, ManagerFactory, OutageFactory

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
def test_a_strip_is_what_its_template_gives():
    outage = OutageFactory(device=DeviceFactory(first_seen_at=timezone.now() - timedelta(days=40)))
    watch = list_watches(ManagerFactory(), [outage.device])[outage.device_id]

    wanted = render_to_string("access/_outage_strip.html", {"watch": watch})
    assert "strip__offline" in wanted
    assert squeezed(strip_of(watch)) == squeezed(wanted)
