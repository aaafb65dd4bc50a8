"""The estate as it is on the first day: families, people, devices and doors, made from a seed."""

import unicodedata
from dataclasses import dataclass, field

from .derive import digits, hexes, pick, secret
from .names import HOUSEHOLDS, PROPERTIES, PUBLIC_DEVICES

ORGANISATION_EMAIL = "estate@gatehouse.example"
NEWCOMER_EMAIL = "newcomer@post.example"


@dataclass
class Person:
    """An account of the upstream.

    Assumption: one account has one ``account_id`` in all the families it belongs to. To check: compare the
    ids that ``get_family_list`` gives for an account of two families.
    """

    account_id: str
    first_name: str
    last_name: str
    email: str
    account_name: str
    history_name: str
    password: str


@dataclass
class Relay:
    relay_id: str
    relay_name: str
    relay_number: str


@dataclass
class Device:
    """``stream_field`` is the name under which the stream address is told: the reference uses two.

    ``is_denied``: nobody may use it, whatever their rights.
    """

    mac: str
    device_name: str
    device_type: str
    is_public: bool
    online: bool
    sip: str
    ciphertext: str
    stream_field: str
    stream_address: str
    relays: list[Relay]
    security_relays: list[Relay] | None
    is_denied: bool = False


@dataclass
class Family:
    """``accounts`` maps account ids to their rights, ``invitations`` e-mail addresses to the rights offered.

    ``regulars`` and ``doors`` are the names that its first history is made of; they stay as they were on the
    first day, so that the history comes out the same however the estate has changed since.
    """

    residence_id: str
    index: int
    family_name: str
    property: str
    online: bool
    installed: bool
    accounts: dict[str, str]
    devices: list[str]
    regulars: list[str]
    doors: list[str]
    invitations: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    is_gone: bool = False


@dataclass
class Estate:
    """``joinable`` is the family outside, which has invited the organisation."""

    seed: str
    organisation: str
    newcomer: str
    joinable: str
    people: dict[str, Person] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)


def generate(seed: str, count: int) -> Estate:
    """The estate of ``count`` families that the organisation's account reaches, and one that it does not."""
    organisation = make_person(seed, "Estate", "Office", ORGANISATION_EMAIL, account_name="Estate Office")
    newcomer = make_person(seed, "New", "Comer", NEWCOMER_EMAIL)
    estate = Estate(seed, organisation.account_id, newcomer.account_id, joinable="")
    helpers = [
        make_person(seed, "Marisol", "Reyes", "marisol.reyes@post.example", history_name="Marisol"),
        make_person(seed, "Kwame", "Mensah", "kwame.mensah@post.example"),
    ]
    for person in (organisation, newcomer, *helpers):
        estate.people[person.account_id] = person
    properties = max(1, min(count, len(PROPERTIES)), count // 14 if count > 60 else 0)
    shared = {number: _public_devices(estate, number) for number in range(properties)}
    for index in range(count):
        number = index * properties // count
        family = _family(estate, index, number, shared[number])
        family.accounts[organisation.account_id] = _organisations_rights(index)
        if index % 3 == 1:
            family.accounts[helpers[index % 2].account_id] = "guest"
        estate.families[family.residence_id] = family
    outside = _family(estate, count, properties - 1, shared[properties - 1])
    outside.family_name = "The Lodge"
    outside.invitations[organisation.email] = "user"
    estate.families[outside.residence_id] = outside
    estate.joinable = outside.residence_id
    return estate


def make_person(
    seed: str, first_name: str, last_name: str, email: str, *, account_name: str = "", history_name: str = ""
) -> Person:
    """An account whose name in family info is its e-mail address, as in the reference's example."""
    return Person(
        account_id="ar" + hexes(seed, "account", email, length=31),
        first_name=first_name,
        last_name=last_name,
        email=email,
        account_name=account_name or email,
        history_name=account_name or history_name or f"{first_name} {last_name}",
        password=secret(seed, "password", email),
    )


def device_names(estate: Estate, family: Family) -> list[str]:
    """The names of the family's devices that have a door."""
    found = [estate.devices[mac] for mac in family.devices]
    return [device.device_name for device in found if device.relays]


def _organisations_rights(index: int) -> str:
    """An administrator of most families, the owner of some, an ordinary member of one."""
    if index == 7:
        return "guest"
    return "admin" if index % 8 == 3 else "user"


def _family(estate: Estate, index: int, number: int, shared: list[str]) -> Family:
    seed = estate.seed
    name, last_name, latin, first_names = HOUSEHOLDS[index % len(HOUSEHOLDS)]
    lap = index // len(HOUSEHOLDS)
    residence_id = "r" + hexes(seed, "residence", index, length=32)
    if index == 1:
        # The reference's own example has a letter in it that is no hexadecimal digit.
        residence_id = residence_id[:20] + "s" + residence_id[21:]
    is_installed = index % 40 != 23
    family = Family(
        residence_id=residence_id,
        index=index,
        family_name=f"{name}, {100 + index}" if lap else name,
        property=_property_name(number),
        online=is_installed and index % 13 != 9,
        installed=is_installed,
        accounts={},
        devices=list(shared) if is_installed else [],
        regulars=[],
        doors=[],
    )
    for place, first_name in enumerate(first_names):
        local = _ascii(first_name) or f"{latin}{place + 1}"
        email = f"{local}.{latin}{lap or ''}@post.example"
        shown = (f"{first_name} {last_name}", first_name, f"{first_name} {last_name}", email)
        history_name = shown[(index + place) % 4]
        person = make_person(seed, first_name, last_name, email, history_name=history_name)
        estate.people[person.account_id] = person
        family.accounts[person.account_id] = _rights(index, place)
        family.regulars.append(person.history_name)
    family.devices.extend(_private_devices(estate, index))
    family.doors = device_names(estate, family)
    return family


def _rights(index: int, place: int) -> str:
    """The first of a household owns it, unless the organisation does or nobody: the example has no owner."""
    if index == 11 and place == 1:
        return "installer"
    if place == 0:
        return "user" if index % 8 == 3 or index == 23 else "admin"
    return "user" if place == 1 and index % 3 == 0 else "guest"


def _public_devices(estate: Estate, number: int) -> list[str]:
    macs = []
    for place, (name, kind, doors) in enumerate(PUBLIC_DEVICES[number % len(PUBLIC_DEVICES)]):
        is_online = not (place == 4 and number % 3 == 1)
        macs.append(_device(estate, ("public", number, place), name, kind, doors, True, is_online))
    return macs


def _private_devices(estate: Estate, index: int) -> list[str]:
    """An indoor monitor in each household, a doorphone in every second, a garage or a lift in some."""
    macs = [_device(estate, (index, "monitor"), "Hall Monitor", "Indoor Monitor", (), False, index % 11 != 5)]
    if index % 2 == 0:
        is_online = index % 12 != 4
        kind = "Single-tenant Doorphone"
        macs.append(_device(estate, (index, "door"), "Front Door", kind, ("Front Door",), False, is_online))
    if index % 10 in (3, 6, 9):
        # Two devices of one household may carry one name.
        name = "Front Door" if index % 20 == 6 else "Garage"
        kind = "Lift Controller" if index == 13 else "Access Control"
        macs.append(_device(estate, (index, "garage"), name, kind, (name,), False, True))
    return macs


def _device(
    estate: Estate,
    words: tuple[object, ...],
    name: str,
    kind: str,
    doors: tuple[str, ...],
    is_public: bool,
    is_online: bool,
) -> str:
    seed = estate.seed
    mac = "0C1105" + hexes(seed, "mac", *words, length=6).upper()
    # Two of a thousand families' devices may otherwise meet in 24 bits.
    while mac in estate.devices:
        mac = "0C1105" + hexes(seed, "mac", mac, length=6).upper()
    relays = [_relay(seed, mac, place, door) for place, door in enumerate(doors)]
    security: list[Relay] | None = []
    if kind == "Guard Phone":
        security = None
    elif doors and pick(seed, "security", *words, count=5) == 0:
        security = [_relay(seed, mac, 9, f"{doors[0]}, inner door")]
    address = f"10.20.{pick(seed, 'net', mac, count=200)}.{pick(seed, 'host', mac, count=250) + 2}"
    estate.devices[mac] = Device(
        mac=mac,
        device_name=name,
        device_type=kind,
        is_public=is_public,
        online=is_online,
        sip="62" + digits(seed, "sip", mac),
        ciphertext=secret(seed, "ciphertext", mac, length=26),
        stream_field="rtsp" if pick(seed, "stream", mac, count=2) else "rtsp_url",
        stream_address=f"rtsp://user:{secret(seed, 'stream', mac, length=10)}@{address}:554/{mac}",
        relays=relays,
        security_relays=security,
    )
    return mac


def _relay(seed: str, mac: str, place: int, name: str) -> Relay:
    number = "#" if place == 0 else str(place)
    return Relay("r" + hexes(seed, "relay", mac, place, length=32), name, number)


def _property_name(number: int) -> str:
    lap, place = divmod(number, len(PROPERTIES))
    return f"{PROPERTIES[place]} {lap + 1}" if lap else PROPERTIES[place]


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in plain if letter.isalnum())
