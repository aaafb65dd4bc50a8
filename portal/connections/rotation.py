"""New keys for sealed values, while everything runs."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db import models, transaction

from portal import keys
from portal.audit import trail
from portal.audit.trail import About, By
from portal.connections.sealed import SealedTextField
from portal.sealing import MARK, Unreadable, key_id_of, key_ring, reseal_text, text_key_id

BATCH = 100
# Longer than anybody holds a row between reading and writing it.
LATECOMERS_SECONDS = 1.0
# Key ids that are still needed for what cannot be made anew here; apps above add theirs.
needed_elsewhere: list[Callable[[], set[str]]] = []


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
        line = keys.new_key_line(is_for_development=not settings.IS_PRODUCTION)
        key_id = line.partition(":")[0]
        trail.record_first("keys.rotate", by, About(kind="key", id=key_id))
        try:
            keys.replace(key_ring.path, line + key_ring.path.read_text())
        except OSError as error:
            raise NotRotated(f"{key_ring.path} cannot be written: {error.strerror}") from error
        return Rotation(key_id, _reseal_all())


def retire(by: By) -> Rotation:
    """Seal what is still sealed with an old key anew, and drop the keys that nothing uses. Raises NotRotated.

    Somebody may write back, at that very moment, what they read before it was sealed anew. This process still
    has the dropped keys: it looks once more a little later.
    """
    with _alone():
        newest, *old = key_ring.ids()
        resealed = _reseal_all()
        retired = [key_id for key_id in old if key_id not in _used()]
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
            time.sleep(LATECOMERS_SECONDS)
            resealed += _reseal_all()
        return Rotation(newest, resealed, tuple(retired))


def _used() -> set[str]:
    sealed = {key_id for holder in _holders() for key_id in holder.key_ids()}
    return sealed.union(*(needed() for needed in needed_elsewhere))


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
    return sum(holder.reseal_old(newest) for holder in _holders())


class _Holder(Protocol):
    """A place in the database where sealed values stand."""

    def key_ids(self) -> Iterator[str]:
        """The id of the key of every value, without opening any."""
        ...

    def reseal_old(self, newest: str) -> int:
        """Seal anew what is sealed with another key; return how many values that were. Raises NotRotated."""
        ...


def _holders() -> Iterator[_Holder]:
    for model in apps.get_models():
        fields = [field for field in model._meta.concrete_fields if isinstance(field, SealedTextField)]
        if fields:
            yield _Columns(model, fields)
    yield _SecondFactors()


class _Columns:
    """The sealed columns of one of our models."""

    def __init__(self, model: type[models.Model], fields: Sequence[SealedTextField]) -> None:
        self.model = model
        self.fields = fields

    def key_ids(self) -> Iterator[str]:
        return (key_id_of(value) for _, _, value in self._stored())

    def reseal_old(self, newest: str) -> int:
        todo: dict[object, list[str]] = {}
        for pk, field, value in self._stored():
            if key_id_of(value) != newest:
                todo.setdefault(pk, []).append(field.attname)
        return sum(self._reseal(pk, names) for pk, names in todo.items())

    def _reseal(self, pk: object, names: list[str]) -> int:
        with transaction.atomic():
            # Read again under the lock: a renewal may just have written other tokens.
            found = self.model._default_manager.select_for_update().filter(pk=pk).first()
            if found is None:
                return 0
            try:
                for name in names:
                    setattr(found, name, getattr(found, name))
            except Unreadable as error:
                raise _unreadable(error) from error
            found.save(update_fields=names)
            return len(names)

    def _stored(self) -> Iterator[tuple[object, SealedTextField, bytes]]:
        rows = self.model._default_manager.only("pk", *(field.attname for field in self.fields))
        for row in rows.order_by("pk").iterator(chunk_size=BATCH):
            for field in self.fields:
                value = row.__dict__[field.attname]
                if value is not None:
                    yield row.pk, field, bytes(value)


class _SecondFactors:
    """The secrets of people's second factors: sealed texts somewhere in the JSON of a table that is not ours."""

    def key_ids(self) -> Iterator[str]:
        for _, data in self._stored():
            yield from (text_key_id(text) for text in _texts(data))

    def reseal_old(self, newest: str) -> int:
        todo = [
            pk for pk, data in self._stored() if any(text_key_id(text) != newest for text in _texts(data))
        ]
        return sum(self._reseal(pk, newest) for pk in todo)

    def _reseal(self, pk: int, newest: str) -> int:
        with transaction.atomic():
            # Under the lock that using a recovery code takes: none that was just used comes back.
            found = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if found is None:
                return 0
            old = [text for text in _texts(found.data) if text_key_id(text) != newest]
            try:
                fresh = {text: reseal_text(text) for text in old}
            except Unreadable as error:
                raise _unreadable(f"the second factor {pk}") from error
            Authenticator.objects.filter(pk=pk).update(data=_replaced(found.data, fresh))
            return len(old)

    def _stored(self) -> Iterator[tuple[int, Any]]:
        try:
            yield from Authenticator.objects.order_by("pk").values_list("pk", "data").iterator(BATCH)
        except Unreadable as error:
            raise _unreadable("a second factor") from error


def _texts(data: Any) -> Iterator[str]:
    """Every sealed text in a JSON value."""
    match data:
        case str() if data.startswith(MARK):
            yield data
        case dict():
            for value in data.values():
                yield from _texts(value)
        case list():
            for value in data:
                yield from _texts(value)


def _replaced(data: Any, fresh: Mapping[str, str]) -> Any:
    match data:
        case str():
            return fresh.get(data, data)
        case dict():
            return {name: _replaced(value, fresh) for name, value in data.items()}
        case list():
            return [_replaced(value, fresh) for value in data]
        case _:
            return data


def _unreadable(what: object) -> NotRotated:
    return NotRotated(f"{what} cannot be read: its key is missing, or it was moved")
