"""The envelope of every answer, read strictly, and the words of a refusal, read in any shape."""

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from portal.upstream.text import clean

_LONGEST_WORDS = 500
_LONGEST_REFUSAL_BYTES = 65_536
# A second parse of more would eat memory, and what a write or a sign-in answers is small.
_MOST_VALUES = 20_000
_MARKUP = re.compile(r"<\s*[a-zA-Z/!?]")
_TRACE = re.compile(
    r"Traceback \(most recent|^\s*at \S+[.(:]|^\s*File \"|\bException in thread|\n\s+at |stack ?trace",
    re.M | re.I,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_WORDS = ("message", "msg", "error_message", "error_msg", "error_description", "description", "detail")
_CODES = ("error_code", "code", "errcode", "err_code", "error_no")


@dataclass(frozen=True)
class Envelope:
    """An answer that is what the reference says: whether it succeeded, when, and the result unread."""

    success: bool
    timestamp_ms: int | None
    result: msgspec.Raw


# An escaped pair of surrogates, one without its other half, or any other escape.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.",
    re.DOTALL,
)
_NULS = re.compile(rb"\\u0000|\\.", re.DOTALL)
_MOST_ESCAPES = 2_000_000
_PIECE_BYTES = 65_536


class NotEnvelope(Exception):
    """The body is not the reference's envelope; the text says what is wrong, without its contents."""


class _Envelope(msgspec.Struct, gc=False):
    success: bool
    timestamp: msgspec.Raw = msgspec.Raw(b"null")
    result: msgspec.Raw = msgspec.Raw(b"null")


_envelope = msgspec.json.Decoder(_Envelope)
_number = msgspec.json.Decoder(int | str)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_envelope(body: bytes | bytearray, *, strict: bool) -> Envelope:
    """The envelope in the body, or NotEnvelope.

    ``strict`` refuses a key that stands twice, anywhere: two readers could take such an answer for a
    success and for a refusal. It costs a second parse, so only answers to writes and to sign-in pay it.
    NUL, lone surrogates and bytes that are not UTF-8 become U+FFFD here, so that one odd name in it
    does not cost the whole answer, and no text needs cleaning after.
    """
    try:
        found = _decode(body)
        if strict:
            _refuse_duplicates(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NotEnvelope(_reason(error)) from None
    return Envelope(found.success, _milliseconds(found.timestamp), found.result)


def read_refusal(body: bytes | bytearray) -> tuple[str, str]:
    """The code and the words of a refusal, "" each where there is none fit to be shown.

    The reference never shows a failure's body, so the words may stand under `error` (text or an
    object), `message` or `msg`, the code under `error_code` or `code`, or all of it in `result`; a
    body that is not JSON is itself the words, unless it is markup or a stack trace.
    """
    if len(body) > _LONGEST_REFUSAL_BYTES:
        return "", ""
    try:
        fields = _fields.decode(_without_surrogates(_utf8(_without_nul(body))))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        text = body[:4000].decode("utf-8", "replace").strip()
        return "", "" if text.startswith(("{", "[", '"')) else plain(text)
    return _search(fields, 3)


def plain(text: str) -> str:
    """The text in one line of at most 500 characters, "" for markup and stack traces."""
    if _MARKUP.search(text) or _TRACE.search(text):
        return ""
    line = " ".join(_CONTROL.sub(" ", clean(text)).split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def _decode(body: bytes | bytearray) -> _Envelope:
    body = _utf8(_without_nul(body))
    try:
        return _envelope.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # The decoder refuses a lone surrogate, wherever it stands.
        mended = _without_surrogates(body)
        if mended == body:
            raise
        return _envelope.decode(mended)


def _without_nul(body: bytes | bytearray) -> bytes | bytearray:
    """The body with NUL, which JSON can hold in this spelling only, turned to U+FFFD."""
    if b"\\u0000" not in body:
        return body
    return _replace(_NULS, lambda escape: escape == b"\\u0000", body)


def _without_surrogates(body: bytes | bytearray) -> bytes | bytearray:
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _replace(_ESCAPES, lambda escape: len(escape) == 6, body)


def _utf8(body: bytes | bytearray) -> bytes | bytearray:
    """The body with what is not UTF-8 turned to U+FFFD: the decoder does not look into what it keeps raw."""
    if body.isascii():
        return body
    # Piece by piece: as one str, a single emoji makes every character of it four bytes wide.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    mended = bytearray()
    for at in range(0, len(body), _PIECE_BYTES):
        mended += decoder.decode(body[at : at + _PIECE_BYTES], at + _PIECE_BYTES >= len(body)).encode("utf-8")
    return mended


def _replace(
    pattern: re.Pattern[bytes], is_unfit: Callable[[bytes], bool], body: bytes | bytearray
) -> bytes | bytearray:
    if body.count(b"\\") > _MOST_ESCAPES:
        raise ValueError("it holds too many odd characters")
    mended, at = bytearray(), 0
    for found in pattern.finditer(body):
        if is_unfit(found[0]):
            mended += body[at : found.start()] + b"\\ufffd"
            at = found.end()
    return mended + body[at:]


def _search(fields: dict[str, msgspec.Raw], depth: int) -> tuple[str, str]:
    code = next(filter(None, (_scalar(fields.get(name)) for name in _CODES)), "")
    words = next(filter(None, (_scalar(fields.get(name)) for name in _WORDS)), "")
    for name in ("error", "result", "errors", "data"):
        if name not in fields or (code and words):
            continue
        inner = _inner(fields[name])
        if inner and depth:
            inner_code, inner_words = _search(inner, depth - 1)
            code, words = code or inner_code, words or inner_words
        else:
            words = words or _scalar(fields[name])
    return code[:100], words


def _scalar(raw: msgspec.Raw | None) -> str:
    """A text or whole number as plain text; "" for everything else."""
    if raw is None:
        return ""
    try:
        value = msgspec.json.decode(raw, type=str | int)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    try:
        return plain(str(value))
    except ValueError:  # a number of thousands of digits
        return ""


def _inner(raw: msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    try:
        found = _fields.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found


def _milliseconds(raw: msgspec.Raw) -> int | None:
    try:
        value = int(_number.decode(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return value if 0 <= value < 2**53 else None


def _refuse_duplicates(body: bytes | bytearray) -> None:
    if body.count(b",") > _MOST_VALUES:
        raise ValueError("it holds too many values")
    # Odd bytes within a text are no doubt about the outcome, and neither is a long number.
    json.loads(
        body.decode("utf-8", "replace"),
        object_pairs_hook=_pairs,
        parse_constant=_constant,
        parse_int=str,
        parse_float=str,
    )


def _pairs(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")


def _constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    if type(error) is ValueError:
        return str(error)
    return "it is not JSON"
