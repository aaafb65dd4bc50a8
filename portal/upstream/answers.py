"""A successful answer to a command, its result read when it is asked for."""

import hashlib
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from portal.upstream import rows
from portal.upstream.commands import Command
from portal.upstream.errors import NotUnderstood
from portal.upstream.wire import Envelope

T_co = TypeVar("T_co", covariant=True)


class Answer(Generic[T_co]):
    """What the upstream answered to one command; it succeeded."""

    def __init__(self, command: Command, command_id: str, envelope: Envelope, status: int) -> None:
        self._command = command
        self._envelope = envelope
        self.command_id = command_id
        self.status = status
        self.timestamp_ms = envelope.timestamp_ms

    def __repr__(self) -> str:
        return f"Answer({self._command.name}, {self.command_id})"

    @property
    def result(self) -> T_co:
        """The result, read at the first access; raises NotUnderstood for a read of another type.

        A write never raises: it was done, however strange its result, which then is empty.
        """
        return cast("T_co", self._read[0])

    @property
    def unread(self) -> list[str]:
        """The rows and values set aside because they are not what the reference says, and why."""
        return self._read[1]

    @property
    def raw(self) -> bytes:
        """A copy of the result's JSON as it came; it may hold secrets."""
        return bytes(memoryview(self._envelope.result))

    @cached_property
    def digest(self) -> bytes:
        """16 bytes that are equal for equal results: the envelope's own time is not in them."""
        return hashlib.blake2b(memoryview(self._envelope.result), digest_size=16).digest()

    def keyed_digest(self, key: bytes, whose: bytes) -> bytes:
        """The same, telling nothing to whoever lacks the key: results hold codes that are short enough to be tried.

        ``key`` is of at most 64 bytes, ``whose``, at most 16, is in it too.
        """
        result = memoryview(self._envelope.result)
        return hashlib.blake2b(result, digest_size=16, key=key, salt=whose).digest()

    @cached_property
    def _read(self) -> tuple[Any, list[str]]:
        kind = self._command.result
        if kind is None:
            return None, []
        try:
            read = rows.read_list if self._command.is_list else rows.read_object
            return read(self._envelope.result, kind, cap_bytes=self._command.cap_bytes)
        except rows.Unreadable as error:
            if self._command.is_write:
                return kind(), [f"result: {error}"]
            problem = f"the result is not what the reference says: {error}"
        raise NotUnderstood(problem, command=self._command.name, status=self.status)
