"""What is told of outages: how long, how far polling can tell, and what nobody knows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.models import Lapse
from access.selectors.outages import PERIOD, list_watches
from access.templatetags.outages import how_long, outage_bands, outage_strip, outage_words
from families.models import Kind
from tests.factories import (
    DeviceFactory,
    FamilyAdminFactory,
    GrantFactory,
    ManagerFactory,
    OutageFactory,
    SyncStateFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def device(now):
    return DeviceFactory(first_seen_at=now - timedelta(days=90))


def watch_of(device, user=None):
    return list_watches(user or ManagerFactory(), [device])[device.pk]


def close(found: timedelta, wanted: timedelta) -> bool:
    return abs(found - wanted) < timedelta(seconds=5)


class TestWhatIsKnown:
    def test_a_device_that_was_never_seen_offline_was_there_all_of_it(self, device):
        watch = watch_of(device)

        assert close(watch.known, PERIOD)
        assert watch.availability == "100"
        assert "Never seen offline, over 30 days" in outage_words(watch)

    def test_outages_of_the_last_30_days_count_and_those_before_do_not(self, device, now):
        for days, hours in ((40, 1), (3, 2), (2, 5)):
            began = now - timedelta(days=days)
            OutageFactory(device=device, began_at=began, ended_at=began + timedelta(hours=hours))

        watch = watch_of(device)

        assert [stretch.length for stretch in watch.outages] == [timedelta(hours=2), timedelta(hours=5)]
        assert watch.offline == timedelta(hours=7)
        assert watch.availability == "99.02"

    def test_one_that_began_before_is_cut_and_says_so(self, device, now):
        OutageFactory(device=device, began_at=now - timedelta(days=40), ended_at=now - timedelta(days=29))

        [stretch] = watch_of(device).outages

        assert stretch.begins_before
        assert close(stretch.length, timedelta(days=1))

    def test_an_open_one_goes_on_until_now(self, device, now):
        OutageFactory(device=device, began_at=now - timedelta(hours=3), resolution_seconds=30)

        [stretch] = watch_of(device).outages

        assert stretch.is_open
        assert close(stretch.length, timedelta(hours=3))
        assert stretch.resolution == timedelta(seconds=30)

    def test_a_device_is_told_of_since_it_was_first_seen(self, now):
        device = DeviceFactory(first_seen_at=now - timedelta(days=2))

        assert close(watch_of(device).known, timedelta(days=2))

    def test_nearly_always_is_not_always(self, device, now):
        OutageFactory(device=device, began_at=now - timedelta(hours=1), ended_at=now - timedelta(minutes=59))

        assert watch_of(device).availability == "99.99"


class TestWhatNobodyKnows:
    def test_a_time_in_which_nobody_asked_counts_neither_way(self, device, now):
        Lapse.objects.create(
            family=device.family, began_at=now - timedelta(days=10), ended_at=now - timedelta(days=5)
        )
        OutageFactory(device=device, began_at=now - timedelta(days=6), ended_at=now - timedelta(days=4))

        watch = watch_of(device)

        assert close(watch.known, timedelta(days=25))
        assert watch.offline == timedelta(days=1)
        assert watch.availability == "96"

    def test_a_polling_that_stands_still_now_is_not_told_as_online(self, device, now):
        SyncStateFactory(family=device.family, kind=Kind.DEVICES, last_good_at=now - timedelta(days=3))

        watch = watch_of(device)

        assert close(watch.unknown, timedelta(days=3))
        [lapse] = watch.lapses
        assert lapse.is_open

    def test_a_poll_of_moments_ago_is_no_silence(self, device, now):
        SyncStateFactory(family=device.family, kind=Kind.DEVICES, last_good_at=now - timedelta(seconds=100))

        assert watch_of(device).unknown == timedelta(0)

    def test_of_what_nobody_asked_at_all_nothing_is_claimed(self, now):
        device = DeviceFactory(first_seen_at=now - timedelta(hours=2))
        SyncStateFactory(family=device.family, kind=Kind.DEVICES, last_good_at=now - timedelta(hours=3))

        watch = watch_of(device)

        assert watch.availability == ""
        assert "Not known" in outage_words(watch)

    def test_anothers_lapse_is_not_ones_own(self, device, now):
        Lapse.objects.create(
            family=DeviceFactory().family, began_at=now - timedelta(days=2), ended_at=now - timedelta(days=1)
        )

        assert watch_of(device).unknown == timedelta(0)


class TestAFamilyAdmin:
    def test_is_told_nothing_from_before_their_grant(self, device, now):
        admin = FamilyAdminFactory()
        GrantFactory(person=admin, family=device.family, starts_at=now - timedelta(days=2))
        OutageFactory(device=device, began_at=now - timedelta(days=9), ended_at=now - timedelta(days=8))
        OutageFactory(device=device, began_at=now - timedelta(days=3), ended_at=now - timedelta(days=1))

        watch = watch_of(device, admin)

        [stretch] = watch.outages
        assert stretch.begins_before
        assert close(stretch.length, timedelta(days=1))
        assert close(watch.known, timedelta(days=2))


class TestDrawn:
    def test_what_nobody_knows_is_not_drawn(self, device, now):
        Lapse.objects.create(
            family=device.family, began_at=now - timedelta(days=20), ended_at=now - timedelta(days=10)
        )

        bands = outage_bands(watch_of(device))

        assert [(band["kind"], band["x"], band["width"]) for band in bands] == [
            ("online", "0.0", "240.0"),
            ("online", "480.0", "240.0"),
        ]

    def test_a_minute_can_be_seen_at_the_very_end_too(self, device, now):
        OutageFactory(device=device, began_at=now - timedelta(minutes=1))

        assert outage_bands(watch_of(device))[-1] == {"kind": "offline", "x": "717.0", "width": "3.0"}

    def test_the_strip_says_in_words_what_it_draws(self, device, now):
        OutageFactory(
            device=device, began_at=now - timedelta(days=2), ended_at=now - timedelta(days=2, hours=-2)
        )

        drawn = outage_strip(watch_of(device))

        assert 'aria-label="Offline once, for 2 h, over 30 days"' in drawn
        assert drawn.count("strip__offline") == 1
        assert "style=" not in drawn


def test_many_devices_cost_one_query(device, django_assert_num_queries):
    manager = ManagerFactory()
    devices = [device, *(OutageFactory().device for _ in range(5))]
    with django_assert_num_queries(1):
        assert len(list_watches(manager, devices)) == 6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (7500, "2 h 5 min"), (7200, "2 h"), (93_600, "1 d 2 h")],
)
def test_lengths_are_told_in_two_units(seconds, words):
    assert how_long(timedelta(seconds=seconds)) == words
