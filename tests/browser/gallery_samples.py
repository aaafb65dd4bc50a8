"""Made-up people, doors and openings for the gallery: every status, long names, several scripts."""

import datetime as dt
from types import SimpleNamespace as Thing
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.safestring import mark_safe

from access.forms.doors import OpenDoorForm

LISBON = ZoneInfo("Europe/Lisbon")
PEOPLE = [
    "Ana Duarte",
    "Mina Okafor",
    "李伟",
    "Tom Ely",
    "José Núñez",
    "عمر حداد",
    "Wilhelmina von Hohenzollern-Sigmaringen",
]
DOORS = ["Garage", "Lobby", "Courtyard Gate", "Front Door", "Pool"]
HOWS = ["Face", "PIN", "NFC", "Bluetooth", "Pass", "Remote"]


class User:
    """Somebody signed in, as far as the frame asks."""

    is_authenticated = True

    def __init__(self, name: str, role: str) -> None:
        self.name = name
        self.role = role

    def __str__(self) -> str:
        return self.name

    def get_role_display(self) -> str:
        return self.role


class InviteForm(forms.Form):
    """A form with every kind of field."""

    email = forms.EmailField(label="E-mail", help_text="The invitation goes to this address.")
    rights = forms.ChoiceField(
        label="Rights", choices=[("user", "Administrator"), ("guest", "Member")], widget=forms.RadioSelect
    )
    property = forms.ChoiceField(
        label="Property", choices=[("a", "Tower A"), ("b", "Riverside")], required=False
    )
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False)
    told = forms.BooleanField(label="They know that the door log shows their name", required=False)


class SignInForm(forms.Form):
    """What allauth's form has."""

    login = forms.EmailField(label="E-mail")
    password = forms.CharField(label="Password", widget=forms.PasswordInput)


def navigation(current: str, *, count: int = 3) -> list[Thing]:
    """The manager's navigation, at one place."""
    places = [
        ("dashboard.html", "Dashboard", "house"),
        ("families.html", "Families", "users"),
        ("doors.html", "Doors", "door-open"),
        ("log.html", "Log", "scroll-text"),
        ("parts.html", "Audit", "shield-check"),
    ]
    return [
        Thing(
            url=url,
            label=label,
            short_label="Home" if icon == "house" else "",
            icon=icon,
            is_current=url == current,
            count=count if label == "Doors" else 0,
            is_on_bar=label != "Audit",
        )
        for url, label, icon in places
    ]


def days(now: dt.datetime) -> list[dict[str, Any]]:
    """Two days of the log: openings, refusals, calls, a gap, and rows that have just come."""
    today = [
        _row(number, now - dt.timedelta(minutes=7 * number, seconds=13 * number)) for number in range(14)
    ]
    today[0]["is_new"] = True
    today.insert(6, _gap(now))
    yesterday = [_row(number, now - dt.timedelta(days=1, minutes=31 * number)) for number in range(20, 26)]
    return [
        {
            "iso": "2026-11-21",
            "words": "Today, Saturday 21 November",
            "count_words": "412 openings",
            "rows": today,
        },
        {
            "iso": "2026-11-20",
            "words": "Friday 20 November",
            "count_words": "977 openings",
            "rows": yesterday,
        },
    ]


def _gap(now: dt.datetime) -> dict[str, Any]:
    return {
        "kind": "gap",
        "id": f"gap-{now:%d}",
        "words": "Not recorded 14:02 – 14:40.",
        "detail": "Casa Núñez. The connection “Riverside” was signed out. Openings may be missing here.",
    }


def _row(number: int, at: dt.datetime) -> dict[str, Any]:
    local = at.astimezone(LISBON)
    is_call = number % 8 == 5
    is_refused = number % 9 == 4
    from_portal = number % 6 == 1
    who = PEOPLE[number % len(PEOPLE)] if not is_refused else "Not recognised"
    how = "Call" if is_call else "From the portal" if from_portal else HOWS[number % len(HOWS)]
    picture = "" if is_call or number % 5 == 3 else f"/sample-{number % 4}.jpg"
    return {
        "kind": "call" if is_call else "opening",
        "id": f"opening-{number}",
        "iso": at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "exact": f"{local:%A %-d %B %Y, %H:%M:%S} (Lisbon, WET)",
        "clock": f"{local:%H:%M}",
        "seconds": f"{local:%S}",
        "who": who,
        "note": "from the portal" if from_portal else "",
        "door": DOORS[number % len(DOORS)],
        "place": "Casa Núñez" if number % 4 == 0 else "Tower A",
        "how": how,
        "status": "" if is_call else "refused" if is_refused else "opened",
        "result": "Called" if is_call else "Refused" if is_refused else "Opened",
        "thumbnail_url": picture,
        "picture_url": picture,
        "picture_words": "" if picture else "No picture",
        "facts": [("Who", who), ("Door", DOORS[number % len(DOORS)]), ("How", how), ("Family", "Casa Núñez")],
        "links": [("log.html?door=1", "This door’s log"), ("log.html?who=1", "This person’s log")],
        "is_new": False,
    }


STRIP = mark_safe(
    '<svg class="strip" viewBox="0 0 720 12" preserveAspectRatio="none" role="img" aria-label="Offline once, over 30 days">'
    '<rect class="strip__online" x="90.0" y="0" width="630.0" height="12"/>'
    '<rect class="strip__offline" x="400.0" y="0" width="9.0" height="12"/></svg>'
)


def cards(now: dt.datetime) -> list[dict[str, Any]]:
    """The board: a door at rest, offline, of two relays, and a press in each of its states."""
    plain = [
        _card("Front Door", "Lobby entrance", now),
        _card("Garage", "Tower A", now, step="accepted", is_waiting=True),
        _card("Courtyard Gate", "All towers", now, step="unknown"),
        _card("Service Entrance", "Tower B", now, is_online=False),
        _card("Casa Núñez", "Riverside", now, step="seen"),
        _card("Pool", "Tower A", now, step="refused", words="The device is locked by its owner."),
        _card("Roof", "Tower A", now, step="not_sent", words="The address of the door system was not found."),
        _card("Lift", "Tower A", now, step="on_its_way"),
        _card("Bicycle cellar behind the second courtyard, left", "Tower B", now, relays=2),
        _card("Archive", "Tower B", now, may_open=False),
    ]
    plain[1]["where"] = "Shared by 12 families, Tower A · entry panel · public"
    return plain


def _card(
    name: str,
    property_name: str,
    now: dt.datetime,
    *,
    step: str = "",
    words: str = "",
    is_online: bool = True,
    is_waiting: bool = False,
    relays: int = 1,
    may_open: bool = True,
) -> dict[str, Any]:
    slug = "".join(letter for letter in name.lower() if letter.isalpha() and letter.isascii())
    family = _named("Casa Núñez", property=_named(property_name))
    device = Thing(
        public_id=slug,
        name=name,
        family=family,
        is_online=is_online,
        is_public=False,
        shared_by=0,
        type_name="entry panel",
        offline_since=None if is_online else now - dt.timedelta(hours=7),
        last_opening_at=now - dt.timedelta(minutes=11),
    )
    command = Thing(actor_name="Ana Duarte", words=words, reason="locked out, called 16:41", created_at=now)
    press = (
        Thing(
            step=step,
            command=command,
            opening=Thing(at=now),
            is_waiting=is_waiting,
            version=f"{step}-0",
            is_doubtful=step == "unknown",
        )
        if step
        else None
    )
    openers = [
        {
            "relay": _named(
                ["Door", "Side door"][number], public_id=f"{slug}-{number}", is_security=number == 1
            ),
            "url": "/answer/unknown",
            "ask_url": "/answer/ask",
            "press": "token" if may_open else "",
            "holds": is_online and number == 0,
            "is_shared": False,
            "last": press,
            "poll_url": "poll/",
        }
        for number in range(relays)
    ]
    return {
        "device": device,
        "relays": openers,
        "may_open": may_open,
        # As access.views.drawing says it.
        "where": f"Casa Núñez, {property_name} · entry panel",
        "last": "Last opened 11 minutes ago" if is_online else "Offline since today 09:49",
        "strip": STRIP,
    }


def answered_press(now: dt.datetime) -> dict[str, Any]:
    """What the view gives the template when the front door's press got no answer."""
    card = _card("Front Door", "Lobby entrance", now, step="unknown")
    opener = card["relays"][0]
    return {
        "relay": opener["relay"],
        "device": card["device"],
        "card": opener,
        "press": opener["last"],
        "url": "",
    }


def asked_press(now: dt.datetime) -> dict[str, Any]:
    """What the view gives the template of the question ahead of a press of the front door."""
    card = _card("Front Door", "Lobby entrance", now)
    opener = card["relays"][0]
    return {
        "relay": opener["relay"],
        "device": card["device"],
        "family": card["device"].family,
        "form": OpenDoorForm(None, relay=opener["relay"]),
        "press": "token",
        "url": opener["url"],
        "back_url": "/answer/204",
    }


def new_row(now: dt.datetime) -> dict[str, Any]:
    """A row that comes while somebody watches."""
    return {**_row(99, now), "is_new": True}


class _Named(Thing):
    def __str__(self) -> str:
        return str(self.name)


def _named(name: str, **fields: Any) -> _Named:
    return _Named(name=name, **fields)


ATTENTION = [
    {
        "status": "bad",
        "title": "The connection “Riverside” is signed out",
        "detail": "Since 14:02. 12 families are not being recorded.",
        "url": "parts.html",
        "action": "Renew",
    },
    {
        "status": "unknown",
        "title": "Nobody knows whether Courtyard Gate opened",
        "detail": "Pressed by you at 16:31, no answer came.",
        "url": "log.html",
        "action": "Look it up",
    },
    {
        "status": "warn",
        "title": "Service Entrance has been offline for 7 hours",
        "detail": "Third time this month.",
        "url": "doors.html",
        "action": "See the door",
    },
    {
        "status": "off",
        "title": "Casa Núñez has been offline since Thursday",
        "detail": "3 doors.",
        "url": "families.html",
        "action": "See the family",
    },
]

HOURLY = [3, 1, 0, 1, 2, 9, 31, 57, 81, 66, 44, 41, 54, 48, 37, 43, 61, 12, 0, 0, 0, 0, 0, 0]
REFUSED = {8: 6, 9: 1, 16: 2}
HOURS = [
    {
        "words": f"{hour:02}:00 – {hour + 1:02}:00",
        "short": f"{hour:02}",
        "opened": opened,
        "refused": REFUSED.get(hour, 0),
    }
    for hour, opened in enumerate(HOURLY)
]

FAMILIES = [
    {
        "name": name,
        "address": address,
        "property": property_name,
        "is_online": online,
        "doors": doors,
        "people": people,
    }
    for name, address, property_name, online, doors, people in [
        ("Casa Núñez", "Rua do Século 12", "Riverside", True, 3, 5),
        ("李家", "Tower A, 14.2", "Tower A", True, 2, 4),
        ("Okafor", "Tower A, 3.1", "Tower A", False, 2, 2),
        ("حداد", "Tower B, 9.4", "Tower B", True, 1, 6),
        (
            "von Hohenzollern-Sigmaringen and descendants of the second line",
            "Tower B, 20",
            "Tower B",
            True,
            12,
            11,
        ),
    ]
]

MEMBERS = [
    ("Ana Duarte", "ana@example.net", "admin", "Owner"),
    ("李伟", "li.wei@example.net", "user", "Administrator"),
    ("Mina Okafor", "", "guest", "Member"),
]
