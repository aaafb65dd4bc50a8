"""The rows of a world: a property with a family, its people, doors and history, each text with the world's word."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from access.models import Opening, OpeningRevision, Picture
from access.sync.pictures import picture_path
from families.models import Family, Kind, Member, Property
from portal.accounts.models import Role, User
from portal.audit import trail
from portal.audit.models import Actor, Command, State
from portal.audit.trail import About, By
from portal.connections.models import Connection, Health
from portal.ids import hidden_id
from portal.text import searchable
from tests import factories as make
from tests.house.canaries import VAULT, numbers
from tests.plugins.simulator import SimulatorProcess

SHARED_MAC = "0C0FFEE0CA1A"


@dataclass
class World:
    """The rows of one world that others refer to, and the ids by which its objects are asked for, by kind."""

    word: str
    office: str
    property: Property
    family: Family
    connection: Connection
    people: dict[str, User] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


class Worlds:
    """Makes worlds, and remembers what no answer may hold."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self.numbers = numbers()
        self.simulator = simulator
        # No page shows one of them, and no address.
        self.upstream_ids = [SHARED_MAC]
        # But for the page of a device: whose it is, by MAC.
        self.macs: dict[str, str] = {}
        self.now = timezone.now()

    def row(self, factory: Any, **fields: Any) -> Any:
        """A row whose number is known again."""
        return factory(id=next(self.numbers), **fields)

    def world(self, word: str, office: str, told: Any) -> World:
        """A property with a family, its people and doors. ``told`` is a door of the simulator's that is really there."""
        place = self.row(make.PropertyFactory, name=f"{word} Court")
        family_told, device_told, relay_told = told or ({}, {}, {})
        family = self.row(
            make.FamilyFactory,
            name=f"{word} household",
            residence_id=self.upstream(family_told.get("residence_id", "r0elsewhere0residence")),
            property=place,
        )
        connection = make.ConnectionFactory(
            name=f"{office} line",
            base_url=self.simulator.url,
            username=f"{office}@upstream.example",
            access_token=self.simulator.token if told else f"{VAULT}-access-{word}",
            refresh_token=f"{VAULT}-refresh-{word}",
            client_secret=f"{VAULT}-client-{word}",
            last_error=f"{office} said no",
            health=Health.GOOD if told else Health.SIGNED_OUT,
        )
        world = World(word, office, place, family, connection)
        account = self.upstream(self.simulator.sign_in["account_id"] if told else "c0elsewhere0account")
        self.row(make.ReachFactory, connection=connection, family=family, account_id=account)
        member = self._member(world)
        mac = self.upstream(device_told.get("mac", "0C0FFEE0E15E"))
        self.macs[mac] = word
        device = self._device(world, mac, is_public=False)
        self._device(world, SHARED_MAC, is_public=True)
        relay = self.row(
            make.RelayFactory,
            device=device,
            name=f"{word} front door",
            relay_id=self.upstream(relay_told.get("relay_id", "r0elsewhere0relay")),
        )
        self._kinds_read(world)
        self._people(world)
        world.ids = {
            "family": family.public_id,
            "property": place.public_id,
            "connection": connection.public_id,
            "member": member.public_id,
            "device": device.public_id,
            "relay": relay.public_id,
            "person": world.people["resident"].public_id,
        }
        return world

    def upstream(self, text: str) -> str:
        self.upstream_ids.append(text)
        return text

    def _member(self, world: World) -> Member:
        word = world.word
        return self.row(
            make.MemberFactory,
            family=world.family,
            first_name=word,
            last_name="Member",
            email=f"member@{word.lower()}.example",
            account_id=self.upstream(f"a0{word.lower()}0member"),
        )

    def _device(self, world: World, mac: str, *, is_public: bool) -> Any:
        name = f"{world.word} {'lobby' if is_public else 'intercom'}"
        device = self.row(
            make.DeviceFactory,
            family=world.family,
            mac=mac,
            name=name,
            search_text=searchable(name),
            is_public=is_public,
            is_online=not is_public,
            online_changed_at=self.now - timedelta(minutes=30),
            sip=f"{world.word}-sip",
            stream_address=f"rtsp://{world.office}.example/live",
        )
        if is_public:
            self.row(make.OutageFactory, device=device)
        return device

    def _kinds_read(self, world: World) -> None:
        """How far it was read; reading the family fails and says why."""
        for kind in Kind.values:
            of = (
                {"connection": world.connection, "family": None}
                if kind == Kind.FAMILIES
                else {"family": world.family}
            )
            error = f"{world.office} could not be read"
            late = self.now - timedelta(hours=6)
            self.row(make.SyncStateFactory, kind=kind, last_error=error, failures=5, last_good_at=late, **of)

    def _people(self, world: World) -> None:
        """Whoever else uses the portal there, and somebody who was invited and has not joined."""
        word = world.word
        for name, role, details in (
            ("resident", Role.FAMILY_ADMIN, {}),
            ("keeper", Role.MANAGER, {"is_limited": True}),
            ("newcomer", Role.FAMILY_ADMIN, {"is_active": False}),
        ):
            world.people[name] = self.row(
                make.UserFactory,
                email=f"{name}@{word.lower()}.example",
                name=f"{word} {name}",
                role=role,
                **details,
            )
        self.row(make.PropertyLimitFactory, person=world.people["keeper"], property=world.property)
        for name in ("resident", "newcomer"):
            started = self.now - timedelta(hours=2)
            self.row(make.GrantFactory, person=world.people[name], family=world.family, starts_at=started)

    def history(self, world: World, word: str, office: str, at: datetime) -> dict[str, str]:
        """What happened at a moment; the ids of those that have one."""
        family, keeper = world.family, world.people["keeper"]
        about = About(family.pk, f"{word} household", "relay", world.ids["relay"], f"{word} front door")
        commands = []
        for event, state in (("door.open", State.UNKNOWN), ("member.invite", State.SUCCEEDED)):
            commands.append(self.command(about, keeper, event, state, word, at))
        press, invited = commands
        trail.record(
            "door.open", By.person(keeper), about, command=press, words=f"{office} words", phase="intent"
        )
        invitation = self.row(
            make.FamilyInvitationFactory,
            family=family,
            command=invited,
            email=f"guest@{word.lower()}.example",
            sent_at=at,
            sent_by=keeper,
        )
        self.row(make.ChangeFactory, family=family, subject=f"{word} subject", before=f"{word} was", at=at)
        opening = self._opening(world, word, at, press)
        self.row(
            make.CallFactory,
            family=family,
            at=at,
            call_name=f"{word} caller",
            call_sip=f"sip:{word}@x.example",
        )
        self.row(make.GapFactory, family=family, at=at)
        key = self.row(
            make.TempKeyFactory,
            family=family,
            reach=world.connection.reaches.get(family=family),
            label=f"{word} plumber",
            visitor_name=f"{word} visitor",
            visitor_email=f"visitor@{word.lower()}.example",
            fingerprint=f"{VAULT}:{word.lower()}",
            at=at,
        )
        return {
            "press": press.public_id,
            "opening": hidden_id(opening.pk, "opening"),
            "pass": key.public_id,
            "family_invitation": invitation.public_id,
        }

    def command(self, about: About, by: User, event: str, state: State, word: str, at: datetime) -> Command:
        return self.row(
            make.CommandFactory,
            event=event,
            state=state,
            actor_kind=Actor.PERSON,
            actor=by,
            actor_name=str(by),
            connection_name=f"{word} line",
            family_id=about.family_id,
            family_name=about.family_name,
            object_kind=about.kind,
            object_id=about.id,
            object_name=about.name,
            parameters={"email": f"guest@{word.lower()}.example"},
            reason=f"{word} reason",
            words=f"{word} words",
            created_at=at,
            sent_at=at,
        )

    def _opening(self, world: World, word: str, at: datetime, press: Command) -> Opening:
        opening = self.row(
            make.OpeningFactory,
            family=world.family,
            at=at,
            account_name=f"{word} account",
            device_name=f"{word} intercom",
            open_door_type=f"{word} way",
            thumbnail_url=f"http://127.0.0.1:9/{VAULT}.jpg",
            picture_url=f"http://127.0.0.1:9/{VAULT}-large.jpg",
            picture=Picture.READY,
            command=press,
        )
        OpeningRevision.objects.create(
            id=next(self.numbers), opening=opening, before={"account_name": f"{word} was"}
        )
        path = picture_path(opening)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8" + word.encode())
        return opening
