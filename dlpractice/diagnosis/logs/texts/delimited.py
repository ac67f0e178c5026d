"""CSV and its relatives as tables: any delimiter, headers that repeat, cells as people write them."""

import csv
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlpractice.diagnosis.logs.cells import ABSENT, parse_cells, read_number, use_decimal_commas
from dlpractice.diagnosis.logs.clocks import name_clock
from dlpractice.diagnosis.logs.columns import recognise
from dlpractice.diagnosis.logs.table import Column, Table
from dlpractice.errors import RunError

HINT = (
    "a log has a line with the names of its columns, such as epoch,loss,val_loss, and a line of numbers each"
)
_DELIMITERS = ",;\t|"
_PREAMBLE = 50
_EMPTY = "-1.7e308"
_SPACES = re.compile(r"[ \t]{2,}|[ \t]+")


@dataclass(frozen=True)
class _Section:
    """Lines below one header. first: the number of the first of them, from 1."""

    names: tuple[str, ...]
    first: int
    rows: list[list[str]]


def tabulate_csv(path: str, kind: str, text: str) -> Table:
    """The table of a CSV text.

    Lines before the header, comments and empty lines are passed over. A header that comes again, as fastai's
    logger writes it for each training, begins a phase.

    Raises:
        RunError: there is no header, or a cell is longer than 128 KiB.
    """
    text = text.removeprefix("\ufeff")
    if (plain := _read_plain(path, kind, text)) is not None:
        return plain
    sections = _split(path, text)
    rows = [row for section in sections for row in section.rows]
    commas = use_decimal_commas(cell for row in rows[:2000] for cell in row)
    columns: dict[str, list[Column]] = {}
    texts: dict[str, list[str]] = {}
    before = 0
    notes = []
    for section in sections:
        width = len(section.names)
        if long := sum(len(row) > width for row in section.rows):
            notes.append(f"{long} lines have more cells than the header; those cells were not read")
        for name, cells in zip(section.names, _turn(section.rows, width), strict=True):
            places, values, flaw = parse_cells(cells, commas)
            if len(values) or flaw is None:
                found = Column(
                    places + before, values, flaw and (f"{path}:{section.first + flaw[0]}", flaw[1])
                )
                columns.setdefault(name, []).append(found)
            else:
                texts.setdefault(name, [""] * len(rows))[before : before + len(cells)] = cells
        before += len(section.rows)
    starts = tuple(np.cumsum([len(section.rows) for section in sections])[:-1].tolist())
    merged = {
        name: _join(parts) for name, parts in columns.items() if name not in texts or len(parts[0].rows)
    }
    return Table(
        path,
        kind,
        merged,
        len(rows),
        texts,
        starts=starts,
        notes=tuple(notes),
        hint=_choose_hint(merged, texts),
    )


def _read_plain(path: str, kind: str, text: str) -> Table | None:
    """The table of a text that holds one header, and rows of as many numbers or empty cells, which NumPy
    reads at once; None for all other texts."""
    head, start = _find_header(text)
    delimiter = _find_delimiter(head or "")
    names = _name(_cut((head or "").lstrip("# "), delimiter))
    if delimiter in " |" or not _is_header(names) or '"' in text[start:]:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a text without rows
            body = io.StringIO(_fill_cells(text[start:], delimiter))
            numbers = np.loadtxt(body, delimiter=delimiter, comments=None, ndmin=2)
    except (ValueError, UserWarning):
        return None
    if numbers.shape[1] != len(names):
        return None
    columns = {}
    for place, name in enumerate(names):
        values = numbers[:, place]
        rows = np.flatnonzero(values != float(_EMPTY))
        columns[name] = Column(rows, values[rows])
    return Table(path, kind, columns, len(numbers))


def _fill_cells(body: str, delimiter: str) -> str:
    """Puts a number that nobody logs into empty cells."""
    body = "\n" + body.replace("\r\n", "\n") + "\n"
    between = (delimiter * 2, f"{delimiter}{_EMPTY}{delimiter}")
    last, first = (f"{delimiter}\n", f"{delimiter}{_EMPTY}\n"), (f"\n{delimiter}", f"\n{_EMPTY}{delimiter}")
    for empty, filled in (between, between, last, first):  # twice, since matches do not overlap
        body = body.replace(empty, filled)
    return body


def _choose_hint(columns: object, texts: object) -> str:
    return "map them with --column, such as --column val_loss=COLUMN" if columns or texts else HINT


def is_table(text: str) -> bool:
    """Whether a text begins as a table does: names that are known, numbers below them; or numbers alone."""
    lines = [line for line in text.splitlines()[:_PREAMBLE] if any(map(str.isalnum, line))]
    for place, line in enumerate(lines[:-1]):
        cells = _cut(line, _find_delimiter(line))
        if len(cells) > 1 and _is_header(cells) and any(recognise(cell) for cell in cells):
            below = _cut(lines[place + 1], _find_delimiter(line))
            return len(below) <= len(cells) + 1 and any(_is_number(cell) for cell in below)
    return len(lines) > 1 and all(_are_numbers(line) for line in lines[:3])


def _are_numbers(line: str) -> bool:
    cells = _cut(line, _find_delimiter(line))
    return len(cells) > 1 and all(_is_number(cell) for cell in cells)


def read_header(text: str) -> list[str]:
    """The names in the header of a table; empty where there is none."""
    lines = [line for line in text.splitlines()[:_PREAMBLE] if line.strip()]
    for line in lines:
        cells = _cut(line, _find_delimiter(line))
        if _is_header(cells):
            return cells
    return []


def _split(path: str, text: str) -> list[_Section]:
    """The sections of a text, one for each header."""
    head, start = _find_header(text)
    if head is None:
        return []
    delimiter = _find_delimiter(head)
    body = text[start:]
    try:
        rows = _read_rows(body, delimiter)
    except csv.Error as error:
        raise RunError(f"{path} is no CSV that can be read: {error}", HINT) from None
    names = _name(_cut(head.lstrip("# "), delimiter))
    line = text.count("\n", 0, start) + 1
    if not _is_header(list(names)):
        names = tuple(f"column {place}" for place in range(1, len(names) + 1))
        rows = [_cut(head, delimiter), *rows]
        line -= 1
    found = [_Section(names, line, [])]
    for number, row in enumerate(rows, line):
        if row and row[0][:1].isdigit():  # most lines, and the quickest way through
            found[-1].rows.append(row)
            continue
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        if row[0].strip()[:1].isalpha() and len(row) > 1 and _is_header(row) and _repeats(row, names):
            found.append(_Section(_name(row), number + 1, []))
        elif set("".join(row)) - set("-: "):
            found[-1].rows.append(row)
    return [section for section in found if section.rows] or found[:1]


def _repeats(row: Sequence[str], names: Sequence[str]) -> bool:
    return bool({cell.strip().lower() for cell in row} & {name.lower() for name in names})


def _find_header(text: str) -> tuple[str | None, int]:
    """The line that names the columns, and the place after it. It is the first with known names; else the
    first with any text."""
    first: tuple[str | None, int] = (None, 0)
    place = 0
    for _ in range(_PREAMBLE):
        end = text.find("\n", place)
        stop = len(text) if end < 0 else end
        line, after = text[place:stop].rstrip("\r"), stop + 1
        cells = _cut(line.lstrip("# "), _find_delimiter(line))
        if line.strip() and not line.startswith("sep="):
            if _is_header(cells) and any(
                recognise(cell) or name_clock(cell) in ("epoch", "step") for cell in cells
            ):
                return line, after
            if first[0] is None and not line.startswith("#"):
                first = (line, after)
        if end < 0:
            break
        place = after
    return first


def _find_delimiter(line: str) -> str:
    """The delimiter of a header; a space where it has none of the others."""
    best = max(_DELIMITERS, key=line.count)
    return best if best in line else " "


def _cut(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return _SPACES.split(line.strip())
    if delimiter == "|":
        return [cell.strip() for cell in line.strip().strip("|").split("|")]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:  # a cell too long, or a line end in the middle of a line: no header
        return [line.strip()]


def _read_rows(body: str, delimiter: str) -> list[list[str]]:
    if delimiter in " |":
        return [_cut(line, delimiter) for line in body.splitlines()]
    return list(csv.reader(io.StringIO(body, newline=""), delimiter=delimiter))


def _is_header(cells: Sequence[str]) -> bool:
    named = [cell for cell in cells if cell.strip()]
    return bool(named) and not any(_is_number(cell) for cell in named)


def _is_number(cell: str) -> bool:
    try:
        read_number(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in ABSENT


def _name(cells: Sequence[str]) -> tuple[str, ...]:
    """The names of a header, without padding; a name that comes again is numbered, as pandas does it."""
    names: list[str] = []
    for cell in cells:
        name, number = cell.strip().strip("\ufeff").strip('"'), 0
        while (unique := f"{name}.{number}" if number else name) in names:
            number += 1
        names.append(unique)
    return tuple(names)


def _turn(rows: list[list[str]], width: int) -> list[Sequence[str]]:
    """The columns of a section. Lines that end early lack the cells at their end."""
    if {*map(len, rows)} <= {width}:
        return list(zip(*rows, strict=True)) if rows else [[] for _ in range(width)]
    padded = [row[:width] + [""] * (width - len(row)) for row in rows]
    return list(zip(*padded, strict=True))


def _join(parts: list[Column]) -> Column:
    flaw = next((part.flaw for part in parts if part.flaw is not None), None)
    rows = np.concatenate([part.rows for part in parts])
    return Column(rows, np.concatenate([part.values for part in parts]), flaw)
