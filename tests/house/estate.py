"""Two worlds in one portal: a family that is one's own, and a foreign one, each of whose texts says where it is from.

A new kind of object in portal/policies.py needs a line in ``Estate.ids_of``: the id of one in each world.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from access.models import Opening, OpeningRevision, Picture
from access.sync.pictures import picture_path
from families.models import Family, Kind, Member, Property
from portal.accounts.models import Invitation, Role, User
from portal.audit import trail
from portal.audit.models import Actor, Command, State
from portal.audit.trail import About, By
from portal.connections.models import Connection, Health
from portal.ids import hidden_id
from portal.text import searchable
from tests import factories as make
from tests.house.canaries import EARLIER, ELSEWHERE, HOME, OFFICE, VAULT, numbers
from tests.house.estate_passkey import passkey
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


class Estate:
    """Everything there is, made once; ``worlds`` are "home" and "elsewhere", ``visitors`` whoever knocks."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        self._numbers = numbers()
        self._simulator = simulator
        # No page shows one of them, and no address.
        self.upstream_ids = [SHARED_MAC]
        self._now = timezone.now()
        self.visitors: dict[str, User] = {}
        self.worlds = {
            "home": self._world(HOME, OFFICE, simulator.door(is_public=False)),
            "elsewhere": self._world(ELSEWHERE, ELSEWHERE, None),
        }
        home = self.worlds["home"]
        for world in self.worlds.values():
            since = self._now - timedelta(minutes=30)
            world.ids |= self._history(world, world.word, world.office, since)
            world.ids["invitation"] = self._invitation(world)
        # Once the foreign connection reached the family at home, too.
        gone = {"gone_at": self._now, "account_id": self._upstream("c0elsewhere0gone")}
        self.row(
            make.ReachFactory, connection=self.worlds["elsewhere"].connection, family=home.family, **gone
        )
        self.earlier = self._history(home, EARLIER, EARLIER, self._now - timedelta(hours=3))

    def row(self, factory: Any, **fields: Any) -> Any:
        """A row whose number is known again."""
        return factory(id=next(self._numbers), **fields)

    def visitor(self, name: str, role: Role, **fields: Any) -> User:
        """Somebody who knocks: nothing of them is anybody's secret."""
        email = f"{name.replace(' ', '-')}@knocks.example"
        person = self.row(make.UserFactory, email=email, name=f"Visitor {name}", role=role, **fields)
        self.visitors[name] = person
        return person

    def limit(self, person: User, world: str) -> None:
        """Limit a manager or an auditor to the property of a world."""
        self.row(make.PropertyLimitFactory, person=person, property=self.worlds[world].property)

    def grant(self, person: User, world: str, **fields: Any) -> None:
        """Give a family admin the family of a world, since an hour ago."""
        fields = {"starts_at": self._now - timedelta(hours=1)} | fields
        self.row(make.GrantFactory, person=person, family=self.worlds[world].family, **fields)

    def ids_of(self, person: User | None) -> dict[str, dict[str, str]]:
        """For each kind an id "home" and one "elsewhere", as this person would use them.

        Of what belongs to a person and not to a family, "home" is their own and "elsewhere" somebody else's.
        """
        found = {kind: {} for kind in (*self.worlds["home"].ids, "session", "authenticator")}
        for name, world in self.worlds.items():
            for kind, value in world.ids.items():
                found[kind][name] = value
            found["press"]["home"] = self._press_of(person) if person else self.worlds["home"].ids["press"]
        for kind, value in self.earlier.items():
            found[kind]["earlier"] = value
        stranger = self.worlds["elsewhere"].people["resident"]
        for name, whose in (("home", person or stranger), ("elsewhere", stranger)):
            found["session"][name] = self._session_of(whose)
            found["authenticator"][name] = self._authenticator_of(whose)
        is_unlimited = person is not None and person.is_manager and not person.is_limited
        if not is_unlimited and (own := Connection.objects.filter(owner=person or stranger).first()):
            found["connection"]["home"] = own.public_id
        return found

    def personal_connection(self, person: User) -> None:
        """A connection of the visitor's own, which reaches nothing."""
        make.ConnectionFactory(
            owner=person, name="Of their own", access_token=f"{VAULT}-own", base_url=self._simulator.url
        )

    def _world(self, word: str, office: str, told: Any) -> World:
        """A property with a family, its people and doors. ``told`` is a door of the simulator's that is really there."""
        place = self.row(make.PropertyFactory, name=f"{word} Court")
        family_told, device_told, relay_told = told or ({}, {}, {})
        family = self.row(
            make.FamilyFactory,
            name=f"{word} household",
            residence_id=self._upstream(family_told.get("residence_id", "r0elsewhere0residence")),
            property=place,
        )
        connection = make.ConnectionFactory(
            name=f"{office} line",
            base_url=self._simulator.url,
            username=f"{office}@upstream.example",
            access_token=self._simulator.token if told else f"{VAULT}-access-{word}",
            refresh_token=f"{VAULT}-refresh-{word}",
            client_secret=f"{VAULT}-client-{word}",
            last_error=f"{office} said no",
            health=Health.GOOD if told else Health.SIGNED_OUT,
        )
        world = World(word, office, place, family, connection)
        account = self._upstream(self._simulator.sign_in["account_id"] if told else "c0elsewhere0account")
        self.row(make.ReachFactory, connection=connection, family=family, account_id=account)
        member = self._member(world)
        mac = self._upstream(device_told.get("mac", "0C0FFEE0E15E"))
        device = self._device(world, mac, is_public=False)
        self._device(world, SHARED_MAC, is_public=True)
        relay = self.row(
            make.RelayFactory,
            device=device,
            name=f"{word} front door",
            relay_id=self._upstream(relay_told.get("relay_id", "r0elsewhere0relay")),
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

    def _upstream(self, text: str) -> str:
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
            account_id=self._upstream(f"a0{word.lower()}0member"),
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
            online_changed_at=self._now - timedelta(minutes=30),
            sip=f"{world.word}-sip",
            stream_address=f"rtsp://{world.word}.example/{VAULT}",
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
            late = self._now - timedelta(hours=6)
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
            started = self._now - timedelta(hours=2)
            self.row(make.GrantFactory, person=world.people[name], family=world.family, starts_at=started)

    def _history(self, world: World, word: str, office: str, at: datetime) -> dict[str, str]:
        """What happened at a moment; the ids of those that have one."""
        family, keeper = world.family, world.people["keeper"]
        about = About(family.pk, f"{word} household", "relay", world.ids["relay"], f"{word} front door")
        commands = []
        for event, state in (("door.open", State.UNKNOWN), ("member.invite", State.SUCCEEDED)):
            commands.append(self._command(about, keeper, event, state, word, at))
        press, invited = commands
        trail.record(
            "door.open", By.person(keeper), about, command=press, words=f"{office} words", phase="intent"
        )
        self.row(
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
        return {"press": press.public_id, "opening": hidden_id(opening.pk, "opening")}

    def _command(self, about: About, by: User, event: str, state: State, word: str, at: datetime) -> Command:
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
            id=next(self._numbers), opening=opening, before={"account_name": f"{word} was"}
        )
        path = picture_path(opening)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8" + word.encode())
        return opening

    def _invitation(self, world: World) -> str:
        person = world.people["newcomer"]
        return Invitation.objects.create(
            id=next(self._numbers),
            person=person,
            email=person.email,
            role=person.role,
            secret_digest=f"{VAULT}{world.word}",
            sent_by=world.people["keeper"],
            expires_at=self._now + timedelta(hours=72),
        ).public_id

    def _press_of(self, person: User) -> str:
        """A press of the person's own on the door at home, made once."""
        home = self.worlds["home"]
        known = Command.objects.filter(actor=person, object_id=home.ids["relay"]).first()
        about = About(home.family.pk, f"{HOME} household", "relay", home.ids["relay"], f"{HOME} front door")
        at = self._now - timedelta(minutes=20)
        return (known or self._command(about, person, "door.open", State.SUCCEEDED, HOME, at)).public_id

    def _session_of(self, person: User) -> str:
        """A session beside the one they knock with."""
        client = Client()
        client.force_login(person)
        key = client.session.session_key
        UserSession.objects.filter(session_key=key).delete()
        number = next(self._numbers)
        UserSession.objects.create(
            id=number, user=person, session_key=key, ip="192.0.2.9", user_agent=f"Browser of {person}"
        )
        return hidden_id(number, "session")

    def _authenticator_of(self, person: User) -> str:
        found, _ = Authenticator.objects.get_or_create(
            user=person,
            type=Authenticator.Type.WEBAUTHN,
            defaults={
                "id": next(self._numbers),
                "data": passkey(f"key-{person.pk}".encode(), f"Key of {person}"),
            },
        )
        return hidden_id(found.pk, "authenticator")
