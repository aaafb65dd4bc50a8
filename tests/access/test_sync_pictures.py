import io
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from access.models import Opening, Picture
from access.sync import pictures
from access.sync.pictures import fetch_wanted, picture_path
from families.models import Kind
from tests.factories import OpeningFactory
from tests.syncing import connect, read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """Rows begin at number 1 again in each test; what another kept under that number is not found here."""
    settings.PICTURES_DIR = tmp_path / "pictures"


@pytest.fixture
def family(simulator):
    simulator.reset(families=1)
    read(connect(simulator), Kind.FAMILIES, Kind.DEVICES, Kind.OPENINGS)
    return Opening.objects.first().family


def wanted(family, **fields):
    return OpeningFactory(
        **{"family": family, "picture": Picture.WANTED, "picture_due_at": timezone.now()} | fields
    )


def only(*openings):
    Opening.objects.exclude(pk__in=[opening.pk for opening in openings]).delete()


def make_due():
    Opening.objects.filter(picture=Picture.WANTED).update(picture_due_at=timezone.now())


def test_thumbnails_are_kept_as_small_jpegs(simulator, family):
    count = Opening.objects.filter(picture=Picture.WANTED).count()
    assert count > 30
    assert fetch_wanted() == count
    for opening in Opening.objects.filter(picture=Picture.READY):
        path = picture_path(opening)
        image = Image.open(io.BytesIO(path.read_bytes()))
        assert (image.format, max(image.size) <= 160) == ("JPEG", True)
        assert path.stat().st_mode & 0o077 == 0
    assert Opening.objects.filter(picture=Picture.READY).count() == count
    assert fetch_wanted() == 0
    assert not list(path.parent.parent.parent.rglob("*.new"))


def test_a_picture_that_does_not_come_is_tried_five_times_ever_more_seldom(simulator, family):
    opening = Opening.objects.filter(picture=Picture.WANTED).first()
    only(opening)
    simulator.fault("pictures", "status", status=503)
    pauses = []
    for _ in range(4):
        make_due()
        assert fetch_wanted() == 0
        opening.refresh_from_db()
        assert opening.picture == Picture.WANTED
        pauses.append((opening.picture_due_at - timezone.now()).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[1]
    make_due()
    fetch_wanted()
    opening.refresh_from_db()
    assert (opening.picture, opening.picture_tries) == (Picture.FAILED, 5)
    simulator.clear_faults()
    assert fetch_wanted() == 0


def test_a_picture_that_comes_the_second_time_is_ready(simulator, family):
    only(Opening.objects.filter(picture=Picture.WANTED).first())
    simulator.fault("pictures", "status", status=500, times=1)
    assert fetch_wanted() == 0
    make_due()
    assert fetch_wanted() == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/a.jpg",
        "http://169.254.169.254/latest/meta-data",
        "https://elsewhere.example/a.jpg",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "//127.0.0.1/a.jpg",
        "not an address",
        "http://user:pass@127.0.0.1/a.jpg",
    ],
)
def test_an_address_that_is_not_permitted_is_never_fetched(simulator, family, address):
    only()
    opening = wanted(family, thumbnail_url=address)
    assert fetch_wanted() == 0
    opening.refresh_from_db()
    assert opening.picture == Picture.REFUSED
    assert not picture_path(opening).exists()


@pytest.mark.parametrize("kind", ["redirect", "svg", "html", "pixel_flood"])
def test_what_is_no_picture_is_never_kept(simulator, family, kind):
    opening = Opening.objects.filter(picture=Picture.WANTED).first()
    only(opening)
    simulator.fault("pictures", kind)
    assert fetch_wanted() == 0
    opening.refresh_from_db()
    assert opening.picture == Picture.REFUSED
    assert not picture_path(opening).exists()


def test_another_host_may_be_named_by_the_setting(simulator, family, settings):
    opening = Opening.objects.filter(picture=Picture.WANTED).first()
    only(opening)
    connection = family.reaches.get().connection
    connection.base_url = "https://api.upstream.example"
    connection.save(update_fields=["base_url"])
    settings.CAPTURE_HOSTS = [simulator.host]
    assert fetch_wanted() == 1


def test_production_fetches_nothing_from_this_machine(simulator, family, settings):
    opening = Opening.objects.filter(picture=Picture.WANTED).first()
    only(opening)
    settings.IS_PRODUCTION = True
    assert fetch_wanted() == 0
    opening.refresh_from_db()
    assert opening.picture == Picture.REFUSED


def test_a_picture_that_another_worker_fetches_is_left_to_it(simulator, family):
    assert pictures.claim()
    assert fetch_wanted() == 0
    # Should that worker die, they are due again after a while.
    assert Opening.objects.filter(picture=Picture.WANTED).latest("picture_due_at").picture_due_at > (
        timezone.now() + timedelta(seconds=60)
    )


def test_each_opening_has_a_path_of_its_own(settings):
    paths = {picture_path(Opening(pk=pk)) for pk in range(1, 3_000)}
    assert len(paths) == 2_999
    assert picture_path(Opening(pk=0x12345)) == settings.PICTURES_DIR / "45" / "23" / "74565.jpg"
