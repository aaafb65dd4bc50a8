"""Two managers, or one who presses twice, at the same moment: each command once, and both are told what is true."""

import threading
from functools import partial

import pytest
from django.db import connections
from django.test import Client

from families.models import Member
from families.services.invitations import AlreadyInvited, invite_member
from families.services.members.refusals import BeingAdded, BeingChanged
from portal.audit.models import Command, State
from portal.web.presses import new_press
from tests.audit.trails import holds
from tests.factories import CommandFactory, ManagerFactory
from tests.families.members.acting import (
    CREATE,
    REMOVE,
    RIGHTS,
    ZOE,
    create,
    guests,
    press,
    raise_to,
    remove,
    rights_upstream,
)
from tests.families.members.asking import send_removal, send_rights

INVITE = "invite_family_account"
AT_ONCE = 6


def together(*acts):
    """What each of these returns or raises, begun at the same moment, each in a thread of its own."""
    gate, found = threading.Barrier(len(acts)), {}

    def run(place, act):
        gate.wait(timeout=20)
        try:
            found[place] = act()
        except Exception as error:
            found[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return [found[place] for place in range(len(acts))]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_press_many_times_sends_one_command(self, simulator, owned, boss):
        member = guests(owned)[0]
        token = new_press(boss.pk, f"rights:{member.public_id}")

        answers = together(*[lambda: send_rights(Client(), boss, member, press=token)] * AT_ONCE)

        assert {answer.status_code for answer in answers} == {200}
        assert len(simulator.journal(RIGHTS)) == 1
        assert holds()

    def test_one_removal_pressed_many_times_is_one_command(self, simulator, owned, boss):
        member = guests(owned)[0]
        token = new_press(boss.pk, f"remove:{member.public_id}")

        together(*[lambda: send_removal(Client(), boss, member, press=token)] * AT_ONCE)

        assert len(simulator.journal(REMOVE)) == 1
        assert member.account_id not in rights_upstream(simulator, owned)

    def test_of_two_managers_each_is_told_what_is_true(self, simulator, owned, boss):
        member, other = guests(owned)[0], ManagerFactory()
        simulator.fault(RIGHTS, "latency", seconds=0.3, times=1)

        raised, removed = together(lambda: raise_to(boss, member), lambda: remove(other, member))

        member.refresh_from_db()
        is_there = member.account_id in rights_upstream(simulator, owned)
        assert (member.gone_at is None and not member.missing_answers) == is_there
        done = [one for one in (raised, removed) if not isinstance(one, BeingChanged)]
        assert done
        assert Command.objects.count() == len(done)
        assert len(simulator.journal(RIGHTS)) + len(simulator.journal(REMOVE)) == len(done)
        assert holds()

    @pytest.mark.parametrize("way", ["add", "invite"])
    def test_of_many_who_bring_in_the_same_address_one_is_let_through(self, simulator, owned, boss, way):
        command = CREATE if way == "add" else INVITE
        simulator.fault(command, "latency", seconds=0.5, times=1)

        def bring(press):
            if way == "add":
                return create(boss, owned, press=press)
            return invite_member(boss, family=owned, email=ZOE["email"], auth="guest", press=press)

        told = together(*[partial(bring, press()) for _ in range(AT_ONCE)])

        assert len(simulator.journal(command)) == 1
        assert Command.objects.count() == 1
        refused = [one for one in told if isinstance(one, (BeingAdded, AlreadyInvited))]
        assert len(refused) == AT_ONCE - 1
        assert holds()

    def test_two_managers_do_not_remove_the_two_last_administrators(self, simulator, owned, boss):
        one, other = guests(owned)[:2]
        raise_to(boss, one)
        raise_to(boss, other)
        # The owner is not among those that the answers name.
        Member.objects.filter(family=owned).exclude(pk__in=[one.pk, other.pk]).update(auth="guest")
        simulator.fault(REMOVE, "latency", seconds=0.5, times=2)

        told = together(lambda: remove(boss, one), lambda: remove(ManagerFactory(), other))

        assert len(simulator.journal(REMOVE)) == 1
        assert sum(isinstance(each, BeingChanged) for each in told) == 1


@pytest.mark.django_db
def test_while_one_is_at_it_the_other_is_not_let_through(simulator, owned, boss):
    member = guests(owned)[0]
    CommandFactory(name=REMOVE, family=owned, state=State.SENT, parameters={"account_id": member.account_id})

    with pytest.raises(BeingChanged) as refused:
        raise_to(boss, member)

    assert "Somebody else is changing" in refused.value.words
    assert simulator.journal() == []
    raise_to(boss, guests(owned)[1])
    assert len(simulator.journal(RIGHTS)) == 1
