"""Rows for tests, made as the portal itself would make them. Names are telling, ids are numbered.

A factory makes only its own row and what that row cannot be without: a family comes without members or reach.
"""

from datetime import timedelta
from functools import cache
from typing import Any

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from factory.django import DjangoModelFactory

from access.models import Call, Device, Gap, Opening, Outage, Relay, TempKey
from families.models import (
    Change,
    Family,
    FamilyInvitation,
    Grant,
    Kind,
    Member,
    Property,
    PropertyLimit,
    Reach,
    Rights,
    SyncState,
)
from portal.accounts.models import Role, User
from portal.audit.models import Actor, Command, State
from portal.connections.models import Connection, SignIn
from portal.text import searchable
from portal.upstream.client import new_command_id

PASSWORD = "a long enough sentence"


@cache
def _hashed() -> str:
    # Hashing takes a quarter of a second on purpose: once is enough.
    return make_password(PASSWORD)


class UserFactory(DjangoModelFactory[User]):
    """A person who joined; a manager of everything unless said otherwise. ``password`` is PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda number: f"person{number}@gatehouse.example")
    name = factory.Sequence(lambda number: f"Person {number}")
    role = Role.MANAGER
    joined_at = factory.LazyFunction(timezone.now)

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        if "password" in fields:
            return User.objects.create_user(**fields)
        person = User(**fields, password=_hashed())
        person.save(force_insert=True)
        return person


class ManagerFactory(UserFactory):
    """A manager of everything."""


class AuditorFactory(UserFactory):
    """An auditor who sees everything."""

    role = Role.AUDITOR


class FamilyAdminFactory(UserFactory):
    """A family admin, who sees nothing until a Grant is made."""

    role = Role.FAMILY_ADMIN


class InvitedFactory(UserFactory):
    """A person who was invited and has not joined; the link is an Invitation of its own."""

    name = ""
    is_active = False
    joined_at = None

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        person = User(**fields)
        person.set_unusable_password()
        person.save(force_insert=True)
        return person


class PropertyFactory(DjangoModelFactory[Property]):
    class Meta:
        model = Property

    name = factory.Sequence(lambda number: f"Property {number}")
    time_zone = "Europe/Lisbon"


class PropertyLimitFactory(DjangoModelFactory[PropertyLimit]):
    """Limits a person to a property."""

    class Meta:
        model = PropertyLimit

    person = factory.SubFactory(UserFactory, is_limited=True)
    property = factory.SubFactory(PropertyFactory)


class FamilyFactory(DjangoModelFactory[Family]):
    """A family that is online and installed, in no property."""

    class Meta:
        model = Family

    residence_id = factory.Sequence(lambda number: f"r{number:031x}")
    name = factory.Sequence(lambda number: f"Family {number}")
    search_text = factory.LazyAttribute(lambda family: searchable(family.name))
    is_online = True
    is_installed = True


class MemberFactory(DjangoModelFactory[Member]):
    class Meta:
        model = Member

    family = factory.SubFactory(FamilyFactory)
    account_id = factory.Sequence(lambda number: f"a{number:031x}")
    first_name = factory.Sequence(lambda number: f"Given{number}")
    last_name = factory.Sequence(lambda number: f"Surname{number}")
    email = factory.Sequence(lambda number: f"member{number}@household.example")
    account_name = factory.SelfAttribute("email")
    auth = Rights.GUEST
    search_text = factory.LazyAttribute(
        lambda member: searchable(member.first_name, member.last_name, member.account_name, member.email)
    )


class ConnectionFactory(DjangoModelFactory[Connection]):
    """The organisation's connection with a pasted token; nothing listens at its address unless given one."""

    class Meta:
        model = Connection

    name = factory.Sequence(lambda number: f"Connection {number}")
    base_url = "http://127.0.0.1:9"
    sign_in = SignIn.TOKEN
    access_token = "a-token"
    last_good_at = factory.LazyFunction(timezone.now)


class ReachFactory(DjangoModelFactory[Reach]):
    """A connection's account in a family, by default as its owner."""

    class Meta:
        model = Reach

    connection = factory.SubFactory(ConnectionFactory)
    family = factory.SubFactory(FamilyFactory)
    account_id = factory.Sequence(lambda number: f"c{number:031x}")
    auth = Rights.ADMIN


class GrantFactory(DjangoModelFactory[Grant]):
    """A family admin's right to look after a family, begun an hour ago."""

    class Meta:
        model = Grant

    person = factory.SubFactory(FamilyAdminFactory)
    family = factory.SubFactory(FamilyFactory)
    starts_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))


class CommandFactory(DjangoModelFactory[Command]):
    """A command that was carried out just now, without entries in the trail."""

    class Meta:
        model = Command

    press = factory.Sequence(lambda number: f"press-{number}")
    command_id = factory.LazyFunction(new_command_id)
    name = "invite_family_account"
    event = "member.invite"
    state = State.SUCCEEDED
    actor_kind = Actor.SYSTEM
    actor_name = "system"
    connection_name = "Connection"
    deadline_at = factory.LazyFunction(lambda: timezone.now() + timedelta(seconds=13))


class FamilyInvitationFactory(DjangoModelFactory[FamilyInvitation]):
    """An invitation that was sent and not yet accepted."""

    class Meta:
        model = FamilyInvitation

    family = factory.SubFactory(FamilyFactory)
    command = factory.SubFactory(CommandFactory, family=factory.SelfAttribute("..family"))
    email = factory.Sequence(lambda number: f"invited{number}@household.example")
    auth = Rights.GUEST


class ChangeFactory(DjangoModelFactory[Change]):
    """Something that changed outside the portal."""

    class Meta:
        model = Change

    family = factory.SubFactory(FamilyFactory)
    kind = "family_renamed"
    subject = factory.SelfAttribute("family.name")
    before = "Old name"
    after = factory.SelfAttribute("family.name")


class SyncStateFactory(DjangoModelFactory[SyncState]):
    """A family's members, read just now and due in a minute."""

    class Meta:
        model = SyncState

    kind = Kind.MEMBERS
    family = factory.SubFactory(FamilyFactory)
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=1))
    last_tried_at = factory.LazyFunction(timezone.now)
    last_good_at = factory.LazyFunction(timezone.now)


class DeviceFactory(DjangoModelFactory[Device]):
    """An intercom that is online, without doors."""

    class Meta:
        model = Device

    family = factory.SubFactory(FamilyFactory)
    mac = factory.Sequence(lambda number: f"{number:012X}")
    name = factory.Sequence(lambda number: f"Intercom {number}")
    search_text = factory.LazyAttribute(lambda device: searchable(device.name))
    device_type = "Single-tenant Doorphone"
    is_online = True


class RelayFactory(DjangoModelFactory[Relay]):
    """A door of a device."""

    class Meta:
        model = Relay

    device = factory.SubFactory(DeviceFactory)
    relay_id = factory.Sequence(lambda number: f"relay{number}")
    name = factory.Sequence(lambda number: f"Door {number}")
    number = "1"


class OutageFactory(DjangoModelFactory[Outage]):
    """A device that has been offline for an hour."""

    class Meta:
        model = Outage

    device = factory.SubFactory(DeviceFactory, is_online=False)
    began_at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))


class OpeningFactory(DjangoModelFactory[Opening]):
    """A door that was opened, a minute before the opening made before it."""

    class Meta:
        model = Opening

    family = factory.SubFactory(FamilyFactory)
    at = factory.Sequence(lambda number: timezone.now().replace(microsecond=0) - timedelta(minutes=number))
    raw_time = factory.LazyAttribute(lambda opening: f"{opening.at:%Y-%m-%d %H:%M:%S}")
    number = factory.Sequence(lambda number: number)
    is_success = True
    account_name = "tom"
    device_name = "Intercom"
    open_door_type = "Remote"


class CallFactory(DjangoModelFactory[Call]):
    """A call from a door, a minute before the call made before it."""

    class Meta:
        model = Call

    family = factory.SubFactory(FamilyFactory)
    at = factory.Sequence(lambda number: timezone.now().replace(microsecond=0) - timedelta(minutes=number))
    raw_time = factory.LazyAttribute(lambda call: f"{call.at:%Y-%m-%d %H:%M:%S}")
    number = factory.Sequence(lambda number: number)
    call_name = "Intercom"
    call_sip = "sip:100@upstream.example"


class GapFactory(DjangoModelFactory[Gap]):
    """A quarter of an hour in which openings may be missing."""

    class Meta:
        model = Gap

    family = factory.SubFactory(FamilyFactory)
    kind = Kind.OPENINGS
    begins_at = factory.LazyAttribute(lambda gap: gap.at - timedelta(minutes=15))
    at = factory.Sequence(lambda number: timezone.now().replace(microsecond=0) - timedelta(hours=number))
    raw_after = factory.LazyAttribute(lambda gap: f"{gap.begins_at:%Y-%m-%d %H:%M:%S}")
    raw_before = factory.LazyAttribute(lambda gap: f"{gap.at:%Y-%m-%d %H:%M:%S}")


class TempKeyFactory(DjangoModelFactory[TempKey]):
    """A pass that was made elsewhere an hour ago and is good for another day, of the account of a reach of its own."""

    class Meta:
        model = TempKey

    family = factory.SubFactory(FamilyFactory)
    reach = factory.SubFactory(ReachFactory, family=factory.SelfAttribute("..family"))
    account_id = factory.LazyAttribute(lambda key: key.reach.account_id)
    label = visitor_name = visitor_email = ""
    fingerprint = factory.Sequence(lambda number: f"k:{number:032x}")
    at = factory.LazyFunction(lambda: timezone.now() - timedelta(hours=1))
    made_after = factory.SelfAttribute("at")
    starts_at = factory.SelfAttribute("at")
    ends_at = factory.LazyAttribute(lambda key: key.starts_at and key.starts_at + timedelta(days=1))
    sorted_at = factory.LazyAttribute(lambda key: key.ends_at or key.at)
    search_text = factory.LazyAttribute(
        lambda key: searchable(key.label, key.visitor_name, key.visitor_email)
    )
    uses = 5
