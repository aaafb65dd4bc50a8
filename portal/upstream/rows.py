"""Results read into types: what fits is taken, what does not is set aside and named."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import inspect

from portal.upstream.types import Wire

# An answer of its cap's size holds fewer rows and fields than this; more is an attack on memory.
_BYTES_PER_VALUE = 32
_MOST_OBJECTS = 100_000
_SMALL_BYTES = 65_536
_MOST_NAMED = 20
_WHOLE = re.compile(rb"-?(?:0|[1-9][0-9]{0,39})")
_DIGITS = re.compile(r"-?[0-9]{1,10}", re.ASCII)
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_arrays = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_bool = msgspec.json.Decoder(bool)
_int = msgspec.json.Decoder(int)
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class Unreadable(Exception):
    """A value is not what the reference says; the text says where, without the value."""


def read_object(raw: msgspec.Raw, kind: type[Wire], *, cap_bytes: int) -> tuple[Any, list[str]]:
    """The object and what within it was set aside; raises Unreadable."""
    if _holds_too_much(raw, cap_bytes):
        raise Unreadable("it holds more than can be read")
    aside = _Aside()
    return _read(raw, kind, aside, ""), aside.named()


def read_list(raw: msgspec.Raw, kind: type[Wire], *, cap_bytes: int) -> tuple[list[Any], list[str]]:
    """The rows that can be read and what was set aside, in the order of the answer; null is no rows.

    Raises Unreadable when it is no list at all, or has more rows than an honest answer could hold.
    """
    if _is_null(raw):
        return [], []
    if _holds_too_much(raw, cap_bytes):
        raise Unreadable("it holds more rows than can be read")
    try:
        return _decoder(list[kind]).decode(raw), []  # type: ignore[valid-type]
    except _UNREADABLE:
        pass  # row by row, then
    aside = _Aside()
    try:
        rows = _arrays.decode(raw)
    except _UNREADABLE as error:
        raise Unreadable(_why(error, "it is not a list")) from None
    return _read_rows(rows, kind, aside, ""), aside.named()


class _Aside:
    """What was set aside, the first named and the rest counted: a hostile answer has millions."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._count = 0

    def add(self, what: str) -> None:
        self._count += 1
        if len(self._first) < _MOST_NAMED:
            self._first.append(what)

    def named(self) -> list[str]:
        rest = self._count - len(self._first)
        return [*self._first, f"and {rest} more"] if rest else self._first


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@cache
def _known(kind: type[Wire]) -> tuple[inspect.Field, ...]:
    shape = inspect.type_info(kind)
    assert isinstance(shape, inspect.StructType)  # noqa: S101 - for the type checker
    return shape.fields


def _read_rows(rows: list[msgspec.Raw], kind: type[Wire], aside: _Aside, where: str) -> list[Any]:
    kept = []
    for number, row in enumerate(rows, 1):
        try:
            kept.append(_read(row, kind, aside, f"{where}row {number} "))
        except Unreadable as error:
            aside.add(f"{where}row {number}: {error}")
    return kept


def _read(raw: msgspec.Raw, kind: type[Wire], aside: _Aside, where: str) -> Any:
    try:
        return _decoder(kind).decode(raw)
    except _UNREADABLE:
        pass  # field by field, then
    try:
        given = _objects.decode(raw)
    except _UNREADABLE as error:
        raise Unreadable(_why(error, "it is not an object")) from None
    values: dict[str, Any] = {}
    for known in _known(kind):
        value = given.get(known.encode_name)
        if value is not None and not _is_null(value):
            values[known.encode_name] = _read_value(value, known, aside, where)
    try:
        return msgspec.convert(values, kind)
    except _UNREADABLE as error:
        raise Unreadable(_why(error, "it is not what the reference says")) from None


def _read_value(raw: msgspec.Raw, known: inspect.Field, aside: _Aside, where: str) -> Any:
    shape = known.type
    if isinstance(shape, inspect.UnionType):  # of one type and null
        shape = next(one for one in shape.types if not isinstance(one, inspect.NoneType))
    name = known.encode_name
    if isinstance(shape, inspect.ListType) and isinstance(shape.item_type, inspect.StructType):
        try:
            rows = _arrays.decode(raw)
        except _UNREADABLE:
            raise Unreadable(f"{name} is not a list") from None
        return _read_rows(rows, cast("type[Wire]", shape.item_type.cls), aside, f"{where}{name} ")
    if isinstance(shape, inspect.StrType):
        return _expect(name, "text", _read_text, raw)
    if isinstance(shape, inspect.BoolType):
        return _expect(name, "true or false", _bool.decode, raw)
    return _expect(name, "a whole number", _read_int, raw)


def _expect(name: str, wanted: str, read: Callable[[msgspec.Raw], Any], raw: msgspec.Raw) -> Any:
    try:
        return read(raw)
    except _UNREADABLE:
        raise Unreadable(f"{name} is not {wanted}") from None


def _read_text(raw: msgspec.Raw) -> str:
    body = bytes(memoryview(raw))
    if _WHOLE.fullmatch(body):
        return body.decode("ascii")
    return _text.decode(raw)


def _read_int(raw: msgspec.Raw) -> int:
    try:
        return _int.decode(raw)
    except msgspec.ValidationError:
        digits = _text.decode(raw)
        if not _DIGITS.fullmatch(digits):
            raise
        return int(digits)


def _is_null(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:5]) == b"null"


def _holds_too_much(raw: msgspec.Raw, cap_bytes: int) -> bool:
    if len(memoryview(raw)) <= _SMALL_BYTES:
        return False
    body = bytes(memoryview(raw))
    return body.count(b",") > cap_bytes // _BYTES_PER_VALUE or body.count(b"{") > _MOST_OBJECTS


def _why(error: Exception, otherwise: str) -> str:
    return str(error) if isinstance(error, msgspec.ValidationError) else otherwise
