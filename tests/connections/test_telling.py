"""A sign-in that is over is told to those it concerns, once for each time."""

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.audit.trail import By
from portal.connections import health, joining, services
from portal.connections.models import Connection, Health
from portal.connections.tasks import tell_lost_sign_ins
from portal.connections.tokens import keep_tokens
from portal.upstream.signin import TokenSet
from tests.connections.acting import at_once
from tests.factories import (
    AuditorFactory,
    ConnectionFactory,
    FamilyAdminFactory,
    ManagerFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)


class NoServer(EmailBackend):
    """A mail server that is not there."""

    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError


class OneBadAddress(EmailBackend):
    """A mail server that refuses one address."""

    def send_messages(self, messages: Any) -> int:
        if any("nobody@" in address for message in messages for address in message.to):
            raise smtplib.SMTPRecipientsRefused({"nobody@gatehouse.example": (550, b"no")})
        return super().send_messages(messages)


def lost(**fields: Any) -> Connection:
    """A connection whose renewal was just refused."""
    connection = ConnectionFactory(**fields)
    health.mark_signed_out(connection, "The refresh token is not valid")
    return connection


def signed_in_again(connection: Connection) -> None:
    found = Connection.objects.get(pk=connection.pk)
    keep_tokens(found, TokenSet("a new token", "", None))
    found.health, found.told_at = Health.GOOD, None
    found.save()


def told() -> list[str]:
    return sorted(address for message in mail.outbox for address in message.to)


def test_every_unlimited_manager_is_told_once_and_nobody_else() -> None:
    managers = [ManagerFactory(), ManagerFactory()]
    ManagerFactory(is_limited=True)
    ManagerFactory(is_active=False)
    AuditorFactory()
    FamilyAdminFactory()
    connection = lost(name="Riverside")
    for _ in range(3):
        tell_lost_sign_ins()
    assert told() == sorted(manager.email for manager in managers)
    message = mail.outbox[0]
    assert reverse("connections:connection_renew", args=[connection.public_id]) in message.body
    assert "Riverside is signed out" in message.subject
    assert "The refresh token is not valid" in message.body
    assert "Riverside" in message.alternatives[0][0]
    assert Connection.objects.get(pk=connection.pk).told_at is not None


def test_of_a_personal_connection_its_owner_is_told_instead() -> None:
    ManagerFactory()
    owner = FamilyAdminFactory()
    lost(owner=owner)
    tell_lost_sign_ins()
    assert told() == [owner.email]
    assert reverse("connections:own_connection") in mail.outbox[0].body


def test_two_beats_and_two_workers_tell_once() -> None:
    manager = ManagerFactory()
    lost()
    at_once(8, lambda number: tell_lost_sign_ins())
    assert told() == [manager.email]


def test_the_next_loss_is_told_anew() -> None:
    ManagerFactory()
    connection = lost()
    tell_lost_sign_ins()
    signed_in_again(connection)
    tell_lost_sign_ins()
    assert len(mail.outbox) == 1
    health.mark_signed_out(Connection.objects.get(pk=connection.pk), "Again")
    tell_lost_sign_ins()
    assert len(mail.outbox) == 2


def test_a_mail_that_cannot_be_sent_is_tried_again_later(settings: Any) -> None:
    manager = ManagerFactory()
    connection = lost()
    usual = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.NoServer"
    tell_lost_sign_ins()
    settings.EMAIL_BACKEND = usual
    # Not at once, and not for ever.
    tell_lost_sign_ins()
    assert mail.outbox == []
    found = Connection.objects.get(pk=connection.pk)
    assert found.told_at is None
    assert found.tell_after is not None
    assert timedelta(minutes=4) < found.tell_after - timezone.now() <= timedelta(minutes=5)
    Connection.objects.update(tell_after=timezone.now())
    tell_lost_sign_ins()
    assert told() == [manager.email]


def test_one_address_that_is_refused_keeps_no_other_from_being_told_nor_tells_them_twice(
    settings: Any,
) -> None:
    ManagerFactory(email="nobody@gatehouse.example")
    manager = ManagerFactory()
    lost()
    settings.EMAIL_BACKEND = f"{__name__}.OneBadAddress"
    for _ in range(2):
        tell_lost_sign_ins()
        Connection.objects.update(tell_after=timezone.now())
    assert told() == [manager.email]


def test_whoever_died_while_sending_holds_it_back_for_five_minutes() -> None:
    ManagerFactory()
    lost()
    Connection.objects.update(tell_after=timezone.now() + timedelta(minutes=5))
    tell_lost_sign_ins()
    assert mail.outbox == []
    Connection.objects.update(tell_after=timezone.now() - timedelta(seconds=1))
    tell_lost_sign_ins()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "fields",
    [{"paused_at": timezone.now()}, {"removed_at": timezone.now()}, {"health": Health.FAILING}],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_paused_removed_or_only_silent_is_not_told(fields: dict[str, Any]) -> None:
    ManagerFactory()
    connection = lost()
    Connection.objects.filter(pk=connection.pk).update(**fields)
    tell_lost_sign_ins()
    assert mail.outbox == []


def test_a_name_with_line_breaks_makes_no_other_mail_of_it() -> None:
    ManagerFactory()
    connection = lost(name="Riverside\nBcc: all@gatehouse.example")
    Connection.objects.filter(pk=connection.pk).update(last_error="line\r\nbreak")
    tell_lost_sign_ins()
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].bcc == []


def test_where_there_is_nothing_to_tell_it_costs_one_query() -> None:
    ConnectionFactory.create_batch(3)
    with CaptureQueriesContext(database) as captured:
        tell_lost_sign_ins()
    assert len(captured) == 1


def test_a_renewal_by_the_command_has_the_next_loss_told_anew(simulator: Any) -> None:
    ManagerFactory()
    connection = lost(base_url=simulator.url)
    tell_lost_sign_ins()
    wanted = joining.Wanted(
        connection.name, simulator.url, joining.PastedToken(simulator.token), renews=connection
    )
    services.connect(By.operator(), joining.prove(By.operator(), wanted))
    found = Connection.objects.get(pk=connection.pk)
    assert (found.health, found.told_at, found.open_until) == (Health.GOOD, None, None)
    health.mark_signed_out(found, "Again")
    tell_lost_sign_ins()
    assert len(mail.outbox) == 2
