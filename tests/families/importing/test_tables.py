"""Reading bytes as a table: whatever spreadsheets write comes back as it was, and what is no table says so."""

import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from families.services.importing.tables import (
    LARGEST_BYTES,
    MOST_ROWS,
    SheetRefused,
    read_table,
    recognise_encoding,
    recognise_separator,
)

ANY = "aZ09 éñßøŁžΩжאش李あ한🙂\u00a0\u2028\ufeff@.-+="


def _letters(encoding: str) -> str:
    """What an encoding of one byte can write, but control characters."""
    return "".join(
        letter for letter in bytes(range(32, 256)).decode(encoding, "ignore") if letter.isprintable()
    )


LETTERS = dict.fromkeys(["utf-8", "utf-8-sig", "utf-16"], ANY) | {
    encoding: _letters(encoding) for encoding in ("cp1252", "latin-1", "cp1251", "mac_roman")
}
BREAKS = st.sampled_from(["\r\n", "\n", "\r"])


def written(rows: list[list[str]], separator: str, encoding: str, ends: str, quoting: int) -> bytes:
    """A table as a spreadsheet would write it."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=ends, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, str, bytes]:
    """Any table of texts, with separators, quotation marks and line breaks inside, and how it was written."""
    encoding = draw(st.sampled_from(sorted(LETTERS)))
    special = st.sampled_from(['"', ",", ";", "\t", "|", "\n", "\r\n", '""', "'", " "])
    cells = st.lists(st.one_of(st.sampled_from(LETTERS[encoding]), special), max_size=8).map("".join)
    width = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8))
    separator = draw(st.sampled_from(",;\t|"))
    ends = draw(BREAKS)
    # Python's writer leaves a break within a cell bare where its rows end with another.
    ways = [csv.QUOTE_ALL] if ends == "\r" else [csv.QUOTE_ALL, csv.QUOTE_MINIMAL]
    content = written(rows, separator, encoding, ends, draw(st.sampled_from(ways)))
    return rows, separator, encoding, content


@given(tables())
def test_any_table_is_read_back_as_it_was_written(table: tuple[list[list[str]], str, str, bytes]) -> None:
    rows, separator, encoding, content = table
    filled = [(number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    if not filled or not content.strip():
        with pytest.raises(SheetRefused):
            read_table(content, encoding, separator)
        return
    read = read_table(content, {"utf-8-sig": "utf-8"}.get(encoding, encoding), separator)
    assert [(line.number, line.cells) for line in read.lines] == filled


def table_of(content: bytes) -> tuple[str, str, list[list[str]]]:
    read = read_table(content)
    return read.encoding, read.separator, [line.cells for line in read.lines]


PEOPLE = [["Élodie", "Muñoz", "e@example.org"], ["Jürg", "Łącki", "j@example.org"]]
WESTERN = [["Élodie", "Muñoz", "e@example.org"], ["Jürg", "Straß", "j@example.org"]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("codec", "told", "rows"),
    [
        ("utf-8", "utf-8", PEOPLE),
        ("utf-8-sig", "utf-8", PEOPLE),
        ("utf-16", "utf-16", PEOPLE),
        ("utf-16-le", "utf-16", PEOPLE),
        ("utf-16-be", "utf-16", PEOPLE),
        ("cp1252", "cp1252", WESTERN),
    ],
)
def test_what_nobody_says_is_recognised(separator: str, codec: str, told: str, rows: list[list[str]]) -> None:
    content = written(rows, separator, codec, "\r\n", csv.QUOTE_MINIMAL)
    assert table_of(content) == (told, separator, rows)


def test_bytes_that_windows_does_not_know_are_latin_ones() -> None:
    assert read_table(b"Ana\x8d,a@example.org").encoding == "latin-1"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_separator_within_quotation_marks_splits_nothing(separator: str) -> None:
    rows = [[f"Costa{sign} Ana", f'the "{sign}"', "a@example.org"] for sign in ",;\t|" for _ in "xx"]
    content = written(rows, separator, "utf-8", "\n", csv.QUOTE_ALL)
    assert table_of(content)[1:] == (separator, rows)


def test_the_line_that_excel_writes_for_itself_is_believed_and_is_no_row() -> None:
    read = read_table(b'"sep=|"\r\nAna|a,b@example.org\r\n')
    assert (read.separator, [(line.number, line.cells) for line in read.lines]) == (
        "|",
        [(2, ["Ana", "a,b@example.org"])],
    )


def test_rows_are_numbered_as_a_spreadsheet_does_through_blank_ones_and_breaks() -> None:
    read = read_table(b'name,mail\r\n\r\n"Ana\r\nCosta",a@example.org\r\n , \r\nBo,b@example.org')
    assert [line.number for line in read.lines] == [1, 3, 5]
    assert read.lines[1].cells[0] == "Ana\r\nCosta"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing in it"),
        (b" \r\n\t\r\n", "nothing in it"),
        (codecs.BOM_UTF8, "nothing in it"),
        (b",,,\n,,,", "nothing in it"),
        (b"PK\x03\x04 and more", "Save it as CSV"),
        (b"\xd0\xcf\x11\xe0 and more", "Save it as CSV"),
        (b"%PDF-1.7", "PDF file"),
        (bytes(range(20)) * 50, "This is no text"),
        (b"x" * (LARGEST_BYTES + 1), "more than 5 MB"),
        (b"a@example.org\n" * (MOST_ROWS + 2), "5,002 rows; 5,000 fit"),
        (b"," * 60 + b"\n", "nothing in it"),
        (b"a," * 60 + b"\n", "61 columns"),
        (b'name,mail\nBo,b@x.org\n"Ana,a@x.org\nCe,c@x.org\n', "In line 3 a quotation mark opens"),
        (b'"' + b"x" * 200_000 + b'"', "never closed"),
    ],
)
def test_what_is_no_table_says_why(content: bytes, words: str) -> None:
    with pytest.raises(SheetRefused, match=words):
        read_table(content)


def test_an_encoding_that_does_not_fit_is_said_beside_it() -> None:
    with pytest.raises(SheetRefused, match="cannot be read as UTF-8: byte 3") as refused:
        read_table("José,j@example.org".encode("cp1252")[1:], "utf-8")
    assert refused.value.field == "encoding"


def test_nothing_about_a_separator_or_an_encoding_fails() -> None:
    for content in (b"\xff", b"\xff\xfe", b"\x00", b'"', b"\xfe\xff\x00", b"sep="):
        assert recognise_encoding(content)
        assert recognise_separator(content.decode("latin-1")) in ",;\t|"
