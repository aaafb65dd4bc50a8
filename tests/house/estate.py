"""Two worlds in one portal: a family that is one's own, and a foreign one, each of whose texts says where it is from.

A new kind of object in portal/policies.py needs a line in ``Estate.ids_of``: the id of one in each world.
"""

from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client

from access.models import ItemKind, ItemState, MoveOut, MoveOutItem, MoveOutState, MoveOutStep
from access.services.moving import reading
from families.models import Kind
from portal.accounts.models import Invitation, Role, User
from portal.audit.models import Command, State
from portal.audit.trail import About, By
from portal.connections.models import Connection, Health
from portal.ids import hidden_id
from tests import factories as make
from tests.house.canaries import EARLIER, ELSEWHERE, HOME, OFFICE, VAULT
from tests.house.estate_imports import draft_of
from tests.house.estate_jobs import job_of
from tests.house.estate_passkey import passkey
from tests.house.estate_worlds import World, Worlds
from tests.plugins.simulator import SimulatorProcess


class Estate(Worlds):
    """Everything there is, made once; ``worlds`` are "home" and "elsewhere", ``visitors`` whoever knocks."""

    def __init__(self, simulator: SimulatorProcess) -> None:
        super().__init__(simulator)
        self.visitors: dict[str, User] = {}
        self.worlds = {
            "home": self.world(HOME, OFFICE, simulator.door(is_public=False)),
            "elsewhere": self.world(ELSEWHERE, ELSEWHERE, None),
        }
        home = self.worlds["home"]
        for world in self.worlds.values():
            since = self.now - timedelta(minutes=30)
            world.ids |= self.history(world, world.word, world.office, since)
            world.ids["invitation"] = self._invitation(world)
            world.ids["move_out"] = self._move_out(world)
        self._other_ways_home(home)
        self.earlier = self.history(home, EARLIER, EARLIER, self.now - timedelta(hours=3))

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
        fields = {"starts_at": self.now - timedelta(hours=1)} | fields
        self.row(make.GrantFactory, person=person, family=self.worlds[world].family, **fields)

    def ids_of(self, person: User | None) -> dict[str, dict[str, str]]:
        """For each kind an id "home" and one "elsewhere", as this person would use them.

        Of what belongs to a person and not to a family, "home" is their own and "elsewhere" somebody else's.
        """
        found = {
            kind: {} for kind in (*self.worlds["home"].ids, "session", "authenticator", "draft", "job", "row")
        }
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
            world = self.worlds["elsewhere" if whose == stranger else "home"]
            found["draft"][name] = draft_of(whose, world, self.numbers, self.now)
            found["job"][name], found["row"][name] = job_of(whose, world, self.numbers, self.now)
        is_unlimited = person is not None and person.is_manager and not person.is_limited
        if not is_unlimited and (own := Connection.objects.filter(owner=person or stranger).first()):
            found["connection"]["home"] = own.public_id
        return found

    def personal_connection(self, person: User) -> None:
        """A connection of the visitor's own, which reaches nothing."""
        make.ConnectionFactory(
            owner=person, name="Of their own", access_token=f"{VAULT}-own", base_url=self.simulator.url
        )

    def _other_ways_home(self, home: World) -> None:
        """Foreign connections that reach the family at home: once, or for their owner alone. Their names stay theirs."""
        elsewhere = self.worlds["elsewhere"]
        own = make.ConnectionFactory(
            owner=elsewhere.people["resident"],
            name=f"{ELSEWHERE} own line",
            health=Health.SIGNED_OUT,
            last_error=f"{ELSEWHERE} own trouble",
        )
        late = self.now - timedelta(hours=6)
        self.row(make.SyncStateFactory, kind=Kind.FAMILIES, connection=own, family=None, last_good_at=late)
        for connection, gone_at in ((elsewhere.connection, self.now), (own, None)):
            account = self.upstream(f"c0elsewhere0{'gone' if gone_at else 'own'}")
            self.row(
                make.ReachFactory,
                connection=connection,
                family=home.family,
                account_id=account,
                gone_at=gone_at,
            )

    def _invitation(self, world: World) -> str:
        person = world.people["newcomer"]
        return Invitation.objects.create(
            id=next(self.numbers),
            person=person,
            email=person.email,
            role=person.role,
            secret_digest=f"{VAULT}{world.word}",
            sent_by=world.people["keeper"],
            expires_at=self.now + timedelta(hours=72),
        ).public_id

    def _move_out(self, world: World) -> str:
        """One that has ended, with an invitation of which nobody knows whether it will be taken up."""
        keeper, word = world.people["keeper"], world.word
        found = MoveOut.objects.create(
            id=next(self.numbers),
            press=f"{VAULT}-{word}-move-out",
            family=world.family,
            family_name=f"{word} household",
            is_whole=True,
            all_passes=True,
            made_by=keeper,
            made_by_name=str(keeper),
            acting=keeper,
            new_owner_name=f"{word} owner",
            state=MoveOutState.ENDED,
            step=MoveOutStep.READING,
            ended_at=self.now,
        )
        MoveOutItem.objects.create(
            id=next(self.numbers),
            move_out=found,
            number=1,
            kind=ItemKind.UPSTREAM_INVITATION,
            key="unknown",
            subject=f"guest@{word.lower()}.example",
            state=ItemState.UNKNOWN,
            look_until=self.now + timedelta(days=30),
        )
        reading.keep(found, By.person(keeper), event="move_out.record", has_members=True, has_passes=True)
        return found.public_id

    def _press_of(self, person: User) -> str:
        """A press of the person's own on the door at home, made once."""
        home = self.worlds["home"]
        known = Command.objects.filter(actor=person, object_id=home.ids["relay"]).first()
        about = About(home.family.pk, f"{HOME} household", "relay", home.ids["relay"], f"{HOME} front door")
        at = self.now - timedelta(minutes=20)
        return (known or self.command(about, person, "door.open", State.SUCCEEDED, HOME, at)).public_id

    def _session_of(self, person: User) -> str:
        """A session beside the one they knock with."""
        client = Client()
        client.force_login(person)
        key = client.session.session_key
        UserSession.objects.filter(session_key=key).delete()
        number = next(self.numbers)
        UserSession.objects.create(
            id=number, user=person, session_key=key, ip="192.0.2.9", user_agent=f"Browser of {person}"
        )
        return hidden_id(number, "session")

    def _authenticator_of(self, person: User) -> str:
        found, _ = Authenticator.objects.get_or_create(
            user=person,
            type=Authenticator.Type.WEBAUTHN,
            defaults={
                "id": next(self.numbers),
                "data": passkey(f"key-{person.pk}".encode(), f"Key of {person}"),
            },
        )
        return hidden_id(found.pk, "authenticator")
