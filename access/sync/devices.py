"""The devices of families with their doors, and when they were offline."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from access.macs import device_text
from access.models import Device, Lapse, Opening, Outage, Relay
from families.models import Family
from families.sync.lists import LONGEST_ID, lock_families
from families.sync.members import ANSWERS_UNTIL_GONE, EMPTY_ANSWERS_UNTIL_GONE
from families.sync.readings import Reading
from portal.upstream import types
from portal.upstream.client import Answer, Client

LONGEST_MAC = 64
_TAKEN_OVER = ("name", "device_type", "is_public", "sip", "stream_address")


class Devices:
    """Keeper of devices, relays and outages; ``last_seen_at`` is written when a device goes missing."""

    state_fields: Sequence[str] = ()

    def read(self, client: Client, residence_id: str) -> Answer[list[types.Device]]:
        """get_akuvox_device_list."""
        return client.get_akuvox_device_list(residence_id=residence_id)

    def prepare(self, reading: Reading) -> None:
        """Nothing."""

    def write(self, readings: Sequence[Reading]) -> Mapping[str, int]:
        """Write the devices of these families as the answers have them."""
        return _Writing(readings).write()


def stream_address_without_secrets(address: str) -> str:
    """The address without user, password and query; "" where it is no address.

    A password may itself hold "/", "?" or "@", so everything up to the last "@" goes, wherever it stands.
    """
    scheme, found, rest = address.strip().partition("://")
    if not found or not scheme.isalnum():
        return ""
    place = rest.rpartition("@")[2].partition("?")[0].partition("#")[0]
    return f"{scheme}://{place}" if place else ""


def opened_later(device: Device, at: datetime, *, is_success: bool) -> bool:
    """Whether a door that opened at ``at`` is the latest that is known of the device."""
    return is_success and (device.last_opening_at is None or device.last_opening_at < at)


def distinct(rows: Sequence[types.Device]) -> tuple[dict[str, types.Device], list[str]]:
    """The devices by MAC, the first where one stands twice, and the names of those set aside."""
    kept: dict[str, types.Device] = {}
    aside = []
    for row in rows:
        if len(row.mac) > LONGEST_MAC:
            aside.append(f"device {row.device_name[:60]!r}: its MAC is longer than {LONGEST_MAC} characters")
        elif row.mac in kept:
            aside.append(f"device {row.mac} stands twice, the first was taken")
        else:
            kept[row.mac] = row
    return kept, aside


@dataclass
class _Writing:
    """One transaction's answers, and what they come to."""

    readings: Sequence[Reading]
    new: list[Device] = field(default_factory=list)
    changed: list[Device] = field(default_factory=list)
    new_relays: list[Relay] = field(default_factory=list)
    changed_relays: list[Relay] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    lapses: list[Lapse] = field(default_factory=list)
    back: dict[int, Reading] = field(default_factory=dict)
    renamed: list[Device] = field(default_factory=list)

    def write(self) -> Mapping[str, int]:
        ids = [reading.family_id for reading in self.readings]
        families = lock_families(ids)
        known: defaultdict[int, dict[str, Device]] = defaultdict(dict)
        for device in Device.objects.filter(family__in=ids):
            known[device.family_id][device.mac] = device
        relays: defaultdict[int, dict[tuple[str, bool], Relay]] = defaultdict(dict)
        for relay in Relay.objects.filter(device__family__in=ids):
            relays[relay.device_id][(relay.relay_id, relay.is_security)] = relay
        for reading in self.readings:
            family = families[reading.family_id]
            self._compare(reading, family, known[family.pk], relays)
        self._store()
        self._link_openings()
        return {"devices": len(self.new)}

    def _compare(
        self,
        reading: Reading,
        family: Family,
        known: Mapping[str, Device],
        relays: Mapping[int, dict[tuple[str, bool], Relay]],
    ) -> None:
        rows, aside = distinct(reading.answer.result)
        if reading.follows_a_lapse and reading.earlier_good_at:
            self.lapses.append(
                Lapse(family=family, began_at=reading.earlier_good_at, ended_at=reading.answered_at)
            )
        for mac, row in rows.items():
            device = known.get(mac)
            is_new = device is None
            if device is None:
                device = Device(
                    family=family,
                    mac=mac,
                    first_seen_at=reading.answered_at,
                    last_seen_at=reading.answered_at,
                )
                self.new.append(device)
            is_changed = _take_over(device, row)
            if "name" in is_changed:
                self.renamed.append(device)
            is_changed |= self._turn(reading, device, is_online=row.online, is_new=is_new)
            if device.gone_at is not None or device.missing_answers:
                device.missing_answers, device.missing_since, device.gone_at = 0, None, None
                is_changed.add("gone_at")
            if is_changed and not is_new:
                self.changed.append(device)
            aside += self._compare_relays(
                reading, device, row, relays.get(device.pk, {}) if not is_new else {}
            )
        reading.set_aside(aside)
        self._count_missing(reading, rows, known)

    def _turn(self, reading: Reading, device: Device, *, is_online: bool, is_new: bool) -> set[str]:
        """Note that the device went off or came back, to within the time between two polls."""
        if is_online == device.is_online and not (is_new and not is_online):
            return set()
        device.is_online = is_online
        if not is_new:
            device.online_changed_at = reading.answered_at
        if not is_online:
            # Found offline at the very first look, it has been so for nobody knows how long: resolution 0.
            earlier = None if is_new else reading.earlier_good_at
            seconds = (reading.answered_at - earlier).total_seconds() if earlier else 0
            self.outages.append(
                Outage(device=device, began_at=reading.answered_at, resolution_seconds=round(seconds))
            )
        elif not is_new:
            self.back[device.pk] = reading
        return {"is_online"}

    def _compare_relays(
        self,
        reading: Reading,
        device: Device,
        row: types.Device,
        known: Mapping[tuple[str, bool], Relay],
    ) -> list[str]:
        aside = []
        seen = set()
        for rows, is_security in ((row.relays, False), (row.security_relays, True)):
            for one in rows:
                key = (one.relay_id, is_security)
                if len(one.relay_id) > LONGEST_ID:
                    aside.append(
                        f"relay {one.relay_name[:60]!r}: its id is longer than {LONGEST_ID} characters"
                    )
                elif key in seen:
                    aside.append(f"relay {one.relay_id} stands twice, the first was taken")
                else:
                    seen.add(key)
                    self._compare_relay(device, one, is_security, known.get(key))
        for key, relay in known.items():
            if key not in seen and relay.gone_at is None:
                reading.look_again()
                if aside or reading.answer.unread:
                    continue
                relay.missing_answers += 1
                if relay.missing_answers >= (ANSWERS_UNTIL_GONE if seen else EMPTY_ANSWERS_UNTIL_GONE):
                    relay.gone_at = reading.answered_at
                self.changed_relays.append(relay)
        return aside

    def _compare_relay(
        self, device: Device, row: types.Relay, is_security: bool, relay: Relay | None
    ) -> None:
        if relay is None:
            self.new_relays.append(
                Relay(
                    device=device,
                    relay_id=row.relay_id,
                    name=row.relay_name,
                    number=row.relay_number,
                    is_security=is_security,
                )
            )
        elif (relay.name, relay.number, relay.missing_answers, relay.gone_at) != (
            row.relay_name,
            row.relay_number,
            0,
            None,
        ):
            relay.name, relay.number, relay.missing_answers, relay.gone_at = (
                row.relay_name,
                row.relay_number,
                0,
                None,
            )
            self.changed_relays.append(relay)

    def _count_missing(
        self, reading: Reading, rows: Mapping[str, types.Device], known: Mapping[str, Device]
    ) -> None:
        missing = [device for mac, device in known.items() if mac not in rows and device.gone_at is None]
        if not missing:
            return
        reading.look_again()
        if reading.state.not_understood:
            return
        needed = ANSWERS_UNTIL_GONE if rows else EMPTY_ANSWERS_UNTIL_GONE
        for device in missing:
            if device.missing_answers == 0:
                device.missing_since = reading.answered_at
                device.last_seen_at = reading.earlier_good_at or device.last_seen_at
            device.missing_answers += 1
            if device.missing_answers >= needed:
                device.gone_at = reading.answered_at
            self.changed.append(device)

    def _store(self) -> None:
        Device.objects.bulk_create(self.new)
        Device.objects.bulk_update(
            self.changed,
            [
                *_TAKEN_OVER,
                "search_text",
                "is_online",
                "online_changed_at",
                "last_seen_at",
                "missing_answers",
                "missing_since",
                "gone_at",
            ],
            batch_size=100,
        )
        Relay.objects.bulk_create(self.new_relays)
        Relay.objects.bulk_update(
            self.changed_relays, ["name", "number", "missing_answers", "gone_at"], batch_size=100
        )
        Lapse.objects.bulk_create(self.lapses, ignore_conflicts=True)
        Outage.objects.bulk_create(self.outages)
        ended = list(Outage.objects.filter(device__in=list(self.back), ended_at=None))
        for outage in ended:
            reading = self.back[outage.device_id]
            outage.ended_at = reading.answered_at
            if reading.earlier_good_at:
                between = (reading.answered_at - reading.earlier_good_at).total_seconds()
                outage.resolution_seconds = max(outage.resolution_seconds, round(between))
        Outage.objects.bulk_update(ended, ["ended_at", "resolution_seconds"])

    def _link_openings(self) -> None:
        """Openings that came before their device, or under a name it has only now: the guess by name, made later."""
        if not self.renamed:
            return
        families = {device.family_id for device in self.renamed}
        named: defaultdict[tuple[int, str], list[Device]] = defaultdict(list)
        for device in Device.objects.filter(family__in=families, gone_at=None):
            named[(device.family_id, device.name)].append(device)
        wanted = {(device.family_id, device.name) for device in self.renamed}
        one = {key: found[0] for key, found in named.items() if key in wanted and len(found) == 1}
        if not one:
            return
        these = Q()
        for family_id, name in one:
            these |= Q(family=family_id, device_name=name)
        found = list(
            Opening.objects.filter(these, device=None).only(
                "family_id", "device_name", "at", "is_success", "is_time_readable", "device_id"
            )
        )
        late: dict[int, Device] = {}
        for opening in found:
            device = one[(opening.family_id, opening.device_name)]
            opening.device = device
            if opening.is_time_readable and opened_later(device, opening.at, is_success=opening.is_success):
                device.last_opening_at = opening.at
                late[device.pk] = device
        Opening.objects.bulk_update(found, ["device"], batch_size=200)
        Device.objects.bulk_update(late.values(), ["last_opening_at"], batch_size=200)


def _take_over(device: Device, row: types.Device) -> set[str]:
    """Take over what the answer says of the device; the names of what is different."""
    told = {
        "name": row.device_name,
        "device_type": row.device_type,
        "is_public": row.is_public,
        "sip": row.sip,
        "stream_address": stream_address_without_secrets(row.stream_address),
    }
    changed = {name for name, value in told.items() if getattr(device, name) != value}
    for name, value in told.items():
        setattr(device, name, value)
    device.search_text = device_text(device.name, device.mac)
    return changed
