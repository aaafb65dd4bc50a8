"""Fetches thumbnails, draws them anew as small JPEGs, and keeps them as files."""

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.models import Opening, Picture
from families.models import Reach
from portal.upstream.pictures import PictureRefused, PictureUnavailable, fetch_picture, reencode

MAX_SIDE = 160
MOST_TRIES = 5
FIRST_PAUSE_SECONDS = 15
# One turn: few enough to end well within the worker's limit, also when every fetch takes all of its time.
AT_ONCE = 64
THREADS = 8
DEADLINE_SECONDS = 8.0
# Whoever claims a picture has so long before another worker may try.
CLAIM = timedelta(seconds=120)


def picture_path(opening: Opening) -> Path:
    """Where the thumbnail of this opening is kept; it is there when ``opening.picture`` is READY."""
    name = f"{opening.pk:08x}"
    return Path(settings.PICTURES_DIR) / name[-2:] / name[-4:-2] / f"{opening.pk}.jpg"


def fetch_wanted() -> int:
    """Fetch the thumbnails that are due, the newest openings' first; return how many are there now.

    Sends nothing to the upstream's commands; asks only permitted hosts for pictures. No transaction is held
    while it fetches. A picture that does not come is tried five times, ever more seldom.
    """
    wanted = claim()
    if not wanted:
        return 0
    hosts = hosts_of({opening.family_id for opening in wanted})
    with ThreadPoolExecutor(THREADS, "pictures") as pool:
        outcomes = list(
            pool.map(lambda opening: _fetch(opening, hosts.get(opening.family_id, set())), wanted)
        )
    for outcome in Picture.READY, Picture.REFUSED, Picture.FAILED, Picture.WANTED:
        some = [one for one, found in zip(wanted, outcomes, strict=True) if found == outcome]
        if some:
            _note(some, outcome)
    return outcomes.count(Picture.READY)


def claim() -> list[Opening]:
    """The openings whose thumbnails this worker fetches now; should it die, they are due again after a while."""
    now = timezone.now()
    due = Opening.objects.filter(picture=Picture.WANTED, picture_due_at__lte=now)
    if not due.exists():
        return []
    with transaction.atomic():
        found = list(due.select_for_update(skip_locked=True).order_by("-at", "-pk")[:AT_ONCE])
        due.filter(pk__in=[opening.pk for opening in found]).update(picture_due_at=now + CLAIM)
    return found


def hosts_of(families: set[int]) -> dict[int, set[str]]:
    """The hosts that may be asked for pictures of each family: the setting's and those of its connections."""
    hosts: dict[int, set[str]] = {family: set(settings.CAPTURE_HOSTS) for family in families}
    reaches = Reach.objects.filter(family__in=families, gone_at=None)
    for family_id, base_url in reaches.values_list("family_id", "connection__base_url"):
        parts = urlsplit(base_url)
        if parts.hostname:
            hosts[family_id].add(parts.netloc.rpartition("@")[2])
    return hosts


def _fetch(opening: Opening, hosts: set[str]) -> Picture:
    """In a thread, without the database: fetch, draw anew, keep."""
    try:
        data = fetch_picture(
            opening.thumbnail_url or opening.picture_url,
            allowed_hosts=hosts,
            allow_loopback=not settings.IS_PRODUCTION,
            deadline_seconds=DEADLINE_SECONDS,
        )
        drawn = reencode(data, max_side=MAX_SIDE)
    except PictureRefused:
        return Picture.REFUSED
    except PictureUnavailable:
        return Picture.FAILED if opening.picture_tries + 1 >= MOST_TRIES else Picture.WANTED
    _keep(picture_path(opening), drawn)
    return Picture.READY


def _keep(path: Path, data: bytes) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    fresh.replace(path)


def _note(openings: Sequence[Opening], outcome: Picture) -> None:
    """Say what became of them; an address that was told anew meanwhile is left for the next turn."""
    now = timezone.now()
    by_tries: dict[int, list[int]] = {}
    for opening in openings:
        by_tries.setdefault(opening.picture_tries + 1, []).append(opening.pk)
    for tries, ids in by_tries.items():
        due_at = now + timedelta(seconds=FIRST_PAUSE_SECONDS * 4 ** (tries - 1))
        with transaction.atomic():
            Opening.objects.filter(pk__in=ids, picture=Picture.WANTED).update(
                picture=outcome,
                picture_tries=tries,
                picture_due_at=due_at if outcome == Picture.WANTED else None,
            )
