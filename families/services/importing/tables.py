"""Reads bytes that somebody brought as a table: which encoding, which separator, and its rows as texts.

Design decision: the standard library's csv reads, and two small guesses of ours go before it. Detectors of encodings
are made for prose: on two hundred names they are wrong more often than "UTF-8 where it decodes, else Windows-1252",
and what was guessed is shown and can be changed. csv.Sniffer refuses or misreads short tables for the same reason.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

LARGEST_BYTES = 5_000_000
MOST_ROWS = 5_000
MOST_COLUMNS = 50
# As Python calls them, and as people choose among them.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": _("Western European (Windows-1252)"),
    "latin-1": _("Western European (Latin-1)"),
    "mac_roman": _("Western European (Mac)"),
    "cp1250": _("Central European (Windows-1250)"),
    "cp1251": _("Cyrillic (Windows-1251)"),
    "cp1253": _("Greek (Windows-1253)"),
    "cp1254": _("Turkish (Windows-1254)"),
}
SEPARATORS = {",": _("Comma ,"), ";": _("Semicolon ;"), "\t": _("Tab"), "|": _("Bar |")}
_LOOKED_AT = 50
# How files begin that are no text, whatever they are called.
_OTHER_FILES = {
    b"PK\x03\x04": "xlsx",
    b"\xd0\xcf\x11\xe0": "xls",
    b"%PDF": "pdf",
    b"\x1f\x8b": "gz",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpg",
}
# A last line of our own: a quotation mark that is never closed swallows all that follows, and this with it.
_END = "\x1eend of the sheet\x1e"
_CONTROLS = frozenset(map(chr, range(32))) - frozenset("\t\n\r\f\v")


class SheetRefused(Exception):
    """What was brought cannot be read as a table. ``field`` is what to change: content, encoding or separator."""

    def __init__(self, words: str, field: str = "content") -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True)
class Line:
    """One row that holds something. ``number`` is what a spreadsheet calls it, from 1, with header and blank rows."""

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """The rows of a sheet, and how they were read."""

    encoding: str
    separator: str
    lines: list[Line]

    @property
    def width(self) -> int:
        """How many columns most rows have, or the first one if that has more."""
        if not self.lines:
            return 0
        usual = Counter(len(line.cells) for line in self.lines).most_common(1)[0][0]
        return max(usual, len(self.lines[0].cells))


def read_table(content: bytes, encoding: str = "", separator: str = "") -> Table:
    """The table in what was brought; what is not said of it is recognised. Raises SheetRefused."""
    if len(content) > LARGEST_BYTES:
        raise SheetRefused(too_large())
    if not content.strip():
        raise SheetRefused(gettext("There is nothing in it."))
    _refuse_other_files(content)
    encoding = encoding or recognise_encoding(content)
    text = _decoded(content, encoding)
    text, told = _without_hint(text)
    separator = separator or told or recognise_separator(text)
    lines = list(_lines(text, separator))
    if told:
        lines = [Line(line.number + 1, line.cells) for line in lines]
    if not lines:
        raise SheetRefused(gettext("There is nothing in it."))
    if len(lines) > MOST_ROWS + 1:
        words = gettext("It has %(count)s rows; %(limit)s fit into one import. Bring it in parts.")
        raise SheetRefused(words % {"count": f"{len(lines):,}", "limit": f"{MOST_ROWS:,}"})
    table = Table(encoding, separator, lines)
    if table.width > MOST_COLUMNS:
        words = gettext(
            "It has %(count)s columns; at most %(limit)d are read. Is it separated by another sign?"
        )
        raise SheetRefused(words % {"count": f"{table.width:,}", "limit": MOST_COLUMNS}, "separator")
    return table


def too_large() -> str:
    """What is said of a file or a text that is larger than is read."""
    return gettext(
        "That is more than %(limit)d MB. 5,000 people take less than 1 MB: bring the columns of names and "
        "addresses alone, or the sheet in parts."
    ) % {"limit": LARGEST_BYTES // 1_000_000}


def recognise_encoding(content: bytes) -> str:
    """The encoding by its byte order mark, by being valid UTF-8, or else Windows-1252; never fails."""
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _order_of(content):
        return "utf-16"
    for encoding in ("utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def recognise_separator(text: str) -> str:
    """The sign that splits the most of the first rows into the same number of cells; a comma where none does."""
    start = "".join(text.splitlines(keepends=True)[: _LOOKED_AT * 2])
    best, found = (0.0, 0), ","
    for separator in SEPARATORS:
        widths = Counter(len(cells) for cells in _first_rows(start, separator))
        widths.pop(1, None)
        if not widths:
            continue
        width, rows = widths.most_common(1)[0]
        score = (rows / max(1, sum(1 for _row in _first_rows(start, separator))), width)
        if score > best:
            best, found = score, separator
    return found


def _first_rows(text: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for number, cells in enumerate(row for row in reader if any(cell.strip() for cell in row)):
            if number == _LOOKED_AT:
                return
            yield cells
    except csv.Error:
        return


def _refuse_other_files(content: bytes) -> None:
    kind = next((kind for mark, kind in _OTHER_FILES.items() if content.startswith(mark)), "")
    if kind in {"xlsx", "xls"}:
        words = gettext(
            "This is a spreadsheet file, whatever it is called. Save it as CSV in the spreadsheet and bring that, "
            "or copy its rows there and paste them here."
        )
        raise SheetRefused(words)
    if kind:
        raise SheetRefused(gettext("This is no table of text but a %(kind)s file.") % {"kind": kind.upper()})


def _decoded(content: bytes, encoding: str) -> str:
    codec = encoding
    if encoding == "utf-8":
        codec = "utf-8-sig"
    elif encoding == "utf-16" and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = _order_of(content) or "utf-16-le"
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        words = gettext("It cannot be read as %(encoding)s: byte %(place)s does not fit. Choose another.")
        raise SheetRefused(
            words % {"encoding": ENCODINGS[encoding], "place": f"{error.start + 1:,}"}, "encoding"
        ) from None
    start = text[:10_000]
    if sum(sign in _CONTROLS for sign in start) * 20 > len(start):
        raise SheetRefused(
            gettext("This is no text. In a spreadsheet, save the table as CSV and bring that file.")
        )
    return text


def _order_of(content: bytes) -> str:
    """UTF-16 without a byte order mark: every second byte of names in most scripts of Europe is NUL."""
    start = content[:2_000]
    half = len(start) // 2
    if half < 4:
        return ""
    if start[1::2].count(0) > half * 0.7 and start[::2].count(0) < half * 0.1:
        return "utf-16-le"
    if start[::2].count(0) > half * 0.7 and start[1::2].count(0) < half * 0.1:
        return "utf-16-be"
    return ""


def _without_hint(text: str) -> tuple[str, str]:
    """Excel's own first line "sep=;" taken off, and what it says."""
    first, _end, rest = text.partition("\n")
    hint = first.strip().strip('"').lower()
    if len(hint) == 5 and hint.startswith("sep=") and hint[4] in SEPARATORS:
        return rest, hint[4]
    return text, ""


def _lines(text: str, separator: str) -> Iterator[Line]:
    reader = csv.reader(io.StringIO(f"{text}\n{_END}", newline=""), delimiter=separator)
    began = 1
    try:
        for number, cells in enumerate(reader, start=1):
            if cells and cells[-1].endswith(_END):
                if cells == [_END]:
                    return
                raise _unclosed(began)
            if any(cell.strip() for cell in cells):
                yield Line(number, cells)
            began = reader.line_num + 1
    except csv.Error:
        raise _unclosed(began) from None


def _unclosed(line: int) -> SheetRefused:
    return SheetRefused(
        gettext("In line %(line)s a quotation mark opens that is never closed: nothing after it can be read.")
        % {"line": f"{line:,}"}
    )
