"""New keys for sealed values, while everything runs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.apps import apps
from django.db import models, transaction

from portal import keys
from portal.audit import trail
from portal.audit.trail import About, By
from portal.connections.sealed import SealedTextField, Unreadable, key_ring

BATCH = 100


class NotRotated(Exception):
    """The keys stay as they were, or the old ones stay beside the new one; the text says why."""


@dataclass(frozen=True)
class Rotation:
    """What a rotation did: the key that everything is sealed with now, how many values it wrote, what it dropped."""

    key_id: str
    resealed: int
    retired: tuple[str, ...] = ()


def rotate(by: By) -> Rotation:
    """Put a new key in front of the others and seal every value with it. Raises NotRotated.

    Old keys stay in the file: other processes open old values with them, and find the new key by themselves.
    """
    with _alone():
        line = keys.new_key_line()
        key_id = line.partition(":")[0]
        trail.record_first("keys.rotate", by, About(kind="key", id=key_id))
        try:
            keys.replace(key_ring.path, line + key_ring.path.read_text())
        except OSError as error:
            raise NotRotated(f"{key_ring.path} cannot be written: {error.strerror}") from error
        return Rotation(key_id, _reseal_all())


def retire(by: By) -> Rotation:
    """Seal what is still sealed with an old key anew, and drop the keys that nothing uses. Raises NotRotated."""
    with _alone():
        newest, *old = key_ring.ids()
        resealed = _reseal_all()
        used = {_key_id(value) for _, _, value in _stored()}
        retired = [key_id for key_id in old if key_id not in used]
        lines = [
            line
            for line in key_ring.path.read_text().splitlines(keepends=True)
            if line.partition(":")[0].strip() not in retired
        ]
        if retired:
            trail.record_first("keys.retire", by, About(kind="key"), parameters={"retired": retired})
            try:
                keys.replace(key_ring.path, "".join(lines))
            except OSError as error:
                raise NotRotated(f"{key_ring.path} cannot be written: {error.strerror}") from error
        return Rotation(newest, resealed, tuple(retired))


@contextmanager
def _alone() -> Iterator[None]:
    """One rotation at a time on this machine."""
    try:
        descriptor = os.open(
            key_ring.path.with_name(f".{key_ring.path.name}.lock"),
            os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
            0o600,
        )
    except OSError as error:
        raise NotRotated(f"{key_ring.path.parent} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotRotated("another rotation is running") from None
    finally:
        os.close(descriptor)


def _reseal_all() -> int:
    """Seal every value that is not sealed with the newest key anew; return how many there were."""
    newest = key_ring.newest()[0]
    todo: dict[tuple[type[models.Model], object], list[str]] = {}
    for row, field, value in _stored():
        if _key_id(value) != newest:
            todo.setdefault((type(row), row.pk), []).append(field.attname)
    written = 0
    for (model, pk), names in todo.items():
        with transaction.atomic():
            # Read again under the lock: a renewal may just have written other tokens.
            found = model._default_manager.select_for_update().filter(pk=pk).first()
            if found is None:
                continue
            try:
                for name in names:
                    setattr(found, name, getattr(found, name))
            except Unreadable as error:
                raise NotRotated(f"{error} cannot be read: its key is missing, or it was moved") from error
            found.save(update_fields=names)
            written += len(names)
    return written


def _stored() -> Iterator[tuple[models.Model, SealedTextField, bytes]]:
    """Every sealed value as it is stored, without opening any."""
    for model in apps.get_models():
        fields = [field for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]
        if not fields:
            continue
        rows = model._default_manager.only("pk", *(field.attname for field in fields))
        for row in rows.order_by("pk").iterator(chunk_size=BATCH):
            for field in fields:
                value = row.__dict__[field.attname]
                if value is not None:
                    yield row, field, bytes(value)


def _key_id(value: bytes) -> str:
    return value[2 : 2 + value[1]].decode("ascii", "replace") if len(value) > 1 else ""
