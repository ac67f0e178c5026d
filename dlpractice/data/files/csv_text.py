"""The text of a table: its encoding, what separates its fields, its header and its rows."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from dlpractice.data.files.index_items import Finding
from dlpractice.data.naming.column_names import count_known
from dlpractice.errors import DataError
from dlpractice.paths import read_file

FALLBACK = "cp1252"
_MOST_BYTES = 2**30
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# What Excel writes, and reads, as a first line that names the delimiter.
_EXCEL_NOTE = re.compile(r"\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n)")
# Around a field. A line break is kept: in a field it is an error.
_SPACE = " \t\u00a0"


@dataclass(frozen=True)
class Table:
    """A table of text: fields without space around them, and the number of the line on which each row starts.

    `encoding` is `utf-8`, `utf-16` or FALLBACK; `findings` say what had to be guessed.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str
    findings: tuple[Finding, ...]


def read_table(path: Path) -> Table:
    """Reads a table whose fields are separated by commas, semicolons, tabs or bars.

    Raises:
        PathError: the file cannot be read.
        DataError: it is no text, or its quotes do not match.
    """
    text, encoding = _decode(path)
    delimiter, skipped = _find_delimiter(text)
    findings = _doubt_encoding(path, text) if encoding == FALLBACK else []
    if delimiter != ",":
        message = f"{path.name}: fields are separated by {_DELIMITERS.get(delimiter, delimiter)}"
        findings.append(Finding("table format", "info", message))
    rows = []
    try:
        reader = csv.reader(
            io.StringIO(text[skipped:], newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
        )
        start = 2 if skipped else 1
        first = start
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append((start, tuple(field.strip(_SPACE) for field in fields)))
            start = first + reader.line_num
    except csv.Error as error:
        raise DataError(
            f"{path}:{first + reader.line_num - 1} is no CSV: {error}", "check the quotes around its fields"
        ) from error
    header = rows[0][1] if rows else ()
    return Table(header, tuple(rows[1:]), encoding, tuple(findings))


def _decode(path: Path) -> tuple[str, str]:
    content = read_file(path, _MOST_BYTES)
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8", FALLBACK):
        try:
            return content.decode(encoding).removeprefix("\ufeff"), encoding
        except UnicodeDecodeError:
            continue
    raise DataError(f"{path} is neither UTF-8 nor Windows-1252 text", "save it as UTF-8")


def _doubt_encoding(path: Path, text: str) -> list[Finding]:
    lines = text.splitlines()
    number, line = next((n, line) for n, line in enumerate(lines, start=1) if not line.isascii())
    message = (
        f"{path.name} is not UTF-8, and was read as Windows-1252: see whether line {number} is right, "
        f"{line.strip()[:80]!r}; if not, save it as UTF-8"
    )
    return [Finding("table format", "warning", message)]


def _find_delimiter(text: str) -> tuple[str, int]:
    """What separates the fields, and how many characters to skip in front of the header."""
    if note := _EXCEL_NOTE.match(text):
        return note[1], note.end()
    line = next((line for line in text.splitlines() if line.strip()), "")

    def merit(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:  # a field too long; reading the rows names its line
            cells = []
        return count_known(cells), len(cells)

    return max(_DELIMITERS, key=merit), 0
