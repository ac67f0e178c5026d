"""A CSV of `path,label[,split][,group]`, read into an index; every faulty line is reported at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from dlpractice.data.files.csv_text import Table, read_table
from dlpractice.data.files.file_lookup import Lookup
from dlpractice.data.files.index_items import Finding, Index, Item
from dlpractice.data.naming.class_names import is_text, nfc, settle_spelling
from dlpractice.data.naming.column_names import (
    Columns,
    Role,
    UnknownColumnsError,
    assign_columns,
    name_columns,
)
from dlpractice.data.naming.split_names import SplitName, find_rivals, find_splits
from dlpractice.errors import DataError
from dlpractice.paths import absolute, identify, resolve

_SHOWN = 20

Row = Mapping[Role, str]


@dataclass
class _Reader:
    """Turns rows into items; a row that names a file again counts once, or contradicts.

    `again` are the paths of such rows. `moved` has an entry for each file that was found in another folder:
    what stands in front of its name in the table, and what has to stand there.
    """

    root: Path
    lookup: Lookup
    splits: Mapping[str, SplitName]
    confined: bool
    items: dict[object, tuple[int, Item]] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    _sought: int = 0

    def read(self, line: int, row: Row) -> str:
        """What is wrong with a row; "" if it is an item, or the same as one before."""
        if problem := self._problem(row):
            return problem
        path = self.lookup.find(row["path"])
        if path is None:
            return f"no such file: {row['path']}{self._where(row['path'])}"
        if self.confined and not resolve(self.root / path).is_relative_to(resolve(self.root)):
            return f"{row['path']} lies outside of the archive"
        item = Item(path, row["label"], self.splits.get(row.get("split", "")), row.get("group") or None)
        before, known = self.items.setdefault(identify(self.root / path), (line, item))
        if known is item:
            return ""
        self.again.append(item.path)
        return _contradiction(item, known, before)

    def _problem(self, row: Row) -> str:
        if empty := [role for role in ("path", "label") if not row[role]]:
            return f"{' and '.join(empty)} must not be empty"
        if broken := [role for role in row if role != "path" and not is_text(row[role])]:
            shown = " and ".join(f"{role} {row[role]!r}" for role in broken)
            return f"{shown} must be one line, without control characters"
        if row.get("split") and row["split"] not in self.splits:
            return f"split must be train, validation or test; got {row['split']}"
        return ""

    def _where(self, name: str) -> str:
        if "://" in name:
            return " (it is an address; download it first)"
        suggested = self._suggest(name)
        if suggested and (moved := _compare_folders(name, suggested)):
            self.moved.append(moved)
        return f" (there is {suggested})" if suggested else ""

    def _suggest(self, name: str) -> str:
        """Where the file may be: like the one before, or by a search, which the first missing files get."""
        if self.moved and name.startswith(self.moved[-1][0]):
            before, now = self.moved[-1]
            if guess := self.lookup.locate(now + name.removeprefix(before))[0]:
                return guess
        self._sought += 1
        return self.lookup.suggest(name) if self._sought <= _SHOWN else ""


def _compare_folders(name: str, found: str) -> tuple[str, str] | None:
    """What differs in front of the same file's name; None where the name itself differs."""
    mine, other = name.replace("\\", "/").split("/"), found.split("/")
    if nfc(mine.pop()) not in (nfc(other[-1]), nfc(PurePosixPath(other[-1]).stem)):
        return None
    other.pop()
    while mine and other and mine[-1] == other[-1]:
        mine.pop()
        other.pop()
    # Backslashes were replaced one by one, so the length is that in the table.
    return name[: len("/".join([*mine, ""]))], "/".join([*other, ""])


def index_csv(path: Path, *, confined: bool = False) -> Index:
    """Indexes the images that a CSV names; their paths are relative to the CSV's folder.

    The columns may have other usual names, and the fields be separated by semicolons, tabs or bars: what was
    understood is among the index's findings. A file that is named twice with the same label counts once.

    Args:
        confined: paths may not leave the CSV's folder (for a CSV that came in an archive).

    Raises:
        DataError: with the line number of each missing file, empty field, unknown split or contradiction; or
            a column that is not known.
    """
    root = absolute(path).parent
    table = read_table(path)
    whole = [(line, fields) for line, fields in table.rows if len(fields) == len(table.header)]
    columns = _assign(path, table, [fields for _, fields in whole])
    rows = [(line, {role: fields[n] for role, n in columns.places.items()}) for line, fields in whole]
    values = dict.fromkeys(row["split"] for _, row in rows if row.get("split"))
    splits = columns.words or find_splits(values)
    reader = _Reader(root, Lookup(root, table.encoding), splits, confined)
    problems = {
        line: f"has {len(fields)} fields; the header has {len(table.header)} (quote fields with commas)"
        for line, fields in table.rows
        if len(fields) != len(table.header)
    }
    problems |= {line: problem for line, row in rows if (problem := reader.read(line, row))}
    items = [item for _, item in reader.items.values()]
    _refuse(path, [f"{path}:{line} {problem}" for line, problem in sorted(problems.items())], items, reader)
    findings = (*table.findings, *_describe(path, table, columns, reader))
    return _settle(root, items, findings)


def _settle(root: Path, items: Sequence[Item], findings: tuple[Finding, ...]) -> Index:
    """The index, with each class and each group in one spelling, in an order that no spelling changes."""
    labels = settle_spelling(item.label for item in items)
    groups = settle_spelling(item.group for item in items if item.group)
    spelt = (replace(item, label=labels[item.label], group=groups.get(item.group or "")) for item in items)
    ordered = tuple(sorted(spelt, key=lambda item: (nfc(item.path), item.path)))
    names = tuple(sorted({item.label for item in ordered}, key=nfc))
    return Index(root, names, ordered, findings=findings, of_table=True)


def _assign(path: Path, table: Table, rows: Sequence[Sequence[str]]) -> Columns:
    try:
        return assign_columns(table.header, rows)
    except UnknownColumnsError as error:
        found = ",".join(table.header) or "nothing"
        raise DataError(
            f"{path}:1 the header must be path,label[,split][,group]; got {found}: {error}", error.hint
        ) from error


def _contradiction(item: Item, known: Item, line: int) -> str:
    """How two rows of one file contradict each other; "" where they do not."""
    pairs = [("label", item.label, known.label), ("split", item.split, known.split)]
    pairs += [("group", item.group, known.group)]
    return "; ".join(
        f"{item.path} is listed twice: {role} {mine} here, {theirs} in line {line}"
        for role, mine, theirs in pairs
        if nfc(mine or "") != nfc(theirs or "")
    )


def _refuse(path: Path, problems: list[str], items: Sequence[Item], reader: _Reader) -> None:
    given = sum(item.split is not None for item in items)
    if 0 < given < len(items) and not problems:
        problems.append(
            f"{path} gives a split for {given} of {len(items)} images; give it for all of them or for none"
        )
    if not problems and (rivals := find_rivals(dict(reader.splits))):
        split, names = rivals
        problems.append(f"{path} has several words for {split}: {' and '.join(names)}; keep one of them")
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        one = len(problems) == 1
        hint = "correct this line of the CSV" if one else "correct these lines of the CSV"
        if len(reader.moved) == len(problems) and len(set(reader.moved)) == 1:
            hint = _say_moved(*reader.moved[0])
        raise DataError(
            problems[0] if one else f"{path} has {len(problems)} faulty lines",
            hint,
            [] if one else problems[:_SHOWN] + more,
        )
    if not items:
        raise DataError(f"{path} lists no images", "add one line per image below the header path,label")


def _say_moved(before: str, now: str) -> str:
    if before:
        instead = f"write {now} in place of {before} in" if now else f"remove {before} from"
        return f"{instead} each path: paths start at the folder of the CSV"
    return f"the files are in {now}: put the CSV there, or write {now} in front of each path"


def _describe(path: Path, table: Table, columns: Columns, reader: _Reader) -> Iterator[Finding]:
    """What was understood that the user has not said in so many words."""
    renamed = [
        f"{table.header[place]} as {role}"
        for role, place in columns.places.items()
        if table.header[place].lower() != role
    ]
    if renamed:
        yield Finding("table format", "info", f"{path.name}: read {', '.join(renamed)}")
    if columns.numbering:
        names = name_columns(table.header, columns.numbering)
        verb = "numbers the rows, and is" if len(columns.numbering) == 1 else "number the rows, and are"
        yield Finding("table format", "info", f"{path.name}: {names} {verb} not used")
    if columns.unused:
        names = name_columns(table.header, columns.unused)
        text = f"{path.name}: {names} {'is' if len(columns.unused) == 1 else 'are'} not used"
        if "group" not in columns.places:
            text += "; a column that says which images belong together has to be called group"
        yield Finding("table format", "warning", text)
    for way, count in reader.lookup.ways.items():
        yield Finding(
            "table format", "info", f"{path.name}: {count} {'path' if count == 1 else 'paths'} {way}"
        )
    words = [f"{name} as {split}" for name, split in reader.splits.items() if name.lower() != split]
    if words:
        yield Finding("splits", "info", f"read {', '.join(words)}")
    if again := reader.again:
        lines = "1 line names" if len(again) == 1 else f"{len(again)} lines name"
        text = f"{path.name}: {lines} a file again, which counts once: {again[0]}"
        yield Finding("same file", "info", text, tuple(again))
