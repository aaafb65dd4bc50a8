"""What the tests of move-outs share: a household of twelve with five passes, read by the sync, and somebody who moves it out."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from access.models import ItemState, MoveOut, MoveOutItem, MoveOutReading, TempKey
from access.services.moving import advancing, beginning, planning
from access.services.moving.beginning import Owner
from access.services.moving.planning import Leaving
from families.models import Family, Grant, Kind, Member
from portal.accounts.models import User
from portal.connections import budget
from portal.connections.calling import client_for
from portal.connections.models import Connection
from tests.factories import FamilyAdminFactory, GrantFactory, ManagerFactory
from tests.plugins.simulator import SimulatorProcess
from tests.syncing import connect, read

PEOPLE = 12
PASSES = 5
REMOVE = "delete_family_account"
REMOVE_MANY = "batch_delete_family_account"
HAND_OVER = "change_family_admin"
JOIN = "account_join_family"
INFO = "get_family_info"
# What changes something at the upstream.
READS = frozenset({INFO, "get_family_list", "get_akuvox_open_door_temp_key_config"})


@dataclass
class Household:
    """A family of the stand-in with everything in step; ``own`` is the account through which the portal is in it."""

    simulator: SimulatorProcess
    connection: Connection
    family: Family
    own: str
    owner: str
    keys: list[str] = field(default_factory=list)

    @property
    def members(self) -> list[Member]:
        """Everybody but the portal's own account."""
        found = Member.objects.filter(family=self.family, gone_at=None).exclude(account_id=self.own)
        return list(found.order_by("search_text", "pk"))

    def accounts(self) -> dict[str, str]:
        """Who is in the family at the upstream, with their rights."""
        told = self.simulator.family(residence_id=self.family.residence_id)
        return {one["account_id"]: one["auth"] for one in told["members"]}

    def passes(self) -> int:
        """How many passes the upstream has."""
        listed = self.client().get_akuvox_open_door_temp_key_config(residence_id=self.family.residence_id)
        return len(listed.result)

    def client(self) -> Any:
        allowance = budget.take(self.connection, 20)
        assert allowance is not None
        return client_for(self.connection, allowance)

    def make_pass(self) -> str:
        now = timezone.now()
        made = self.client().create_akuvox_open_door_temp_key_config(
            residence_id=self.family.residence_id,
            start_time=f"{now:%Y-%m-%d %H:%M:%S}",
            finish_time=f"{now + timedelta(days=3):%Y-%m-%d %H:%M:%S}",
            count=5,
        )
        return str(made.result.temp_key)

    def read(self) -> None:
        """Have the sync read people and passes."""
        read(self.connection, Kind.FAMILIES, Kind.MEMBERS, Kind.TEMP_KEYS, family=self.family)

    def sent(self) -> list[dict[str, Any]]:
        """The commands that change something, in the order in which they arrived."""
        return [each for each in self.simulator.journal() if each["command"] not in READS]

    def admin_of(self, member: Member, **fields: Any) -> User:
        """A family admin with the address of a member, who was given the family."""
        person: User = FamilyAdminFactory(email=member.email, name=member.name)
        GrantFactory(person=person, family=self.family, member=member, **fields)
        return person


def household(simulator: SimulatorProcess, *, auth: str = "admin", people: int = PEOPLE) -> Household:
    """A household in which the organisation's account is the owner, or what ``auth`` says."""
    told = simulator.family(auth=auth, is_gone=False)
    rid, own = told["residence_id"], simulator.sign_in["account_id"]
    there = [one for one in told["members"] if one["account_id"] != own]
    for number in range(people - len(there)):
        simulator.event("member", residence_id=rid, email=f"lodger{number}@household.example")
    connection = connect(simulator)
    read(connection, Kind.FAMILIES)
    family = Family.objects.get(residence_id=rid)
    found = Household(simulator, connection, family, own, "")
    found.keys = [found.make_pass() for _ in range(PASSES - found.passes())]
    found.read()
    found.owner = next(account for account, rights in found.accounts().items() if rights == "admin")
    simulator.clear_journal()
    return found


def begin(
    home: Household, manager: User | None = None, *members: Member, owner: Owner | None = None, **fields: Any
) -> MoveOut:
    """Begin to move out these members, everybody by default, without taking a step."""
    leaving = Leaving(is_whole=not members, members=members)
    return beginning.begin(
        manager or ManagerFactory(),
        family=home.family,
        leaving=fields.pop("leaving", leaving),
        owner=owner or Owner(connection=home.connection),
        press=fields.pop("press", f"press-{MoveOut.objects.count()}"),
        **fields,
    )


def move_out(home: Household, *arguments: Any, **fields: Any) -> MoveOut:
    """Begin, and take all steps."""
    return advancing.advance(begin(home, *arguments, **fields), seconds=30)


def states(one: MoveOut, kind: str = "") -> dict[str, str]:
    """What is known of each item, by its subject."""
    found = MoveOutItem.objects.filter(move_out=one).order_by("number")
    return {item.subject: item.state for item in (found.filter(kind=kind) if kind else found)}


def not_gone(one: MoveOut) -> list[MoveOutItem]:
    return list(MoveOutItem.objects.filter(move_out=one).exclude(state=ItemState.GONE).order_by("number"))


def record(one: MoveOut) -> MoveOutReading:
    """The newest record."""
    return MoveOutReading.objects.filter(move_out=one).latest("number")


def live_grants(family: Family) -> int:
    return Grant.objects.now().filter(family=family).count()


def live_passes(family: Family) -> int:
    return TempKey.objects.filter(family=family, gone_at=None).count()


def plan_of(home: Household, *members: Member) -> planning.Plan:
    return planning.plan(home.family, Leaving(is_whole=not members, members=members))


def url(one: MoveOut, name: str = "detail") -> str:
    """The address of a move-out's record, or of what is done with it."""
    return reverse(f"access:move_out_{name}", args=[one.public_id])
