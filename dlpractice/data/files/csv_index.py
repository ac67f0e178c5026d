"""A CSV of `path,label[,split][,group]`, read into an index; every faulty line is reported at once."""

import csv
from pathlib import Path, PurePosixPath

from dlpractice.data.files.index_items import Index, Item
from dlpractice.data.naming.split_names import SplitName, find_splits
from dlpractice.errors import DataError

REQUIRED = ("path", "label")
OPTIONAL = ("split", "group")
_SHOWN = 20


def index_csv(path: Path, *, confined: bool = False) -> Index:
    """Indexes the images that a CSV names; their paths are relative to the CSV's folder.

    Args:
        confined: paths may not leave the CSV's folder (for a CSV that came in an archive).

    Raises:
        DataError: with the line number of each missing file, empty field, unknown split or double path.
    """
    root = path.absolute().parent
    rows = _read_rows(path)
    problems: list[str] = []
    items: dict[str, Item] = {}
    for line, row in rows:
        item, problem = _read_item(row, root, confined)
        if item is not None and item.path in items:
            problem = f"{item.path} is listed twice"
        if problem or item is None:
            problems.append(f"{path}:{line} {problem}")
        else:
            items[item.path] = item
    given = sum(item.split is not None for item in items.values())
    if 0 < given < len(items) and not problems:
        problems.append(
            f"{path} gives a split for {given} of {len(items)} images; give it for all of them or for none"
        )
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        one = len(problems) == 1
        raise DataError(
            problems[0] if one else f"{path} has {len(problems)} faulty lines",
            "correct this line of the CSV" if one else "correct these lines of the CSV",
            [] if one else problems[:_SHOWN] + more,
        )
    if not items:
        raise DataError(f"{path} lists no images", "add one line per image below the header path,label")
    ordered = tuple(items[name] for name in sorted(items))
    return Index(root, tuple(sorted({item.label for item in ordered})), ordered, of_table=True)


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows with their line numbers; header names in lower case, fields without space around them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(path, header)
            return [
                (reader.line_num, _fields(path, reader.line_num, header, fields))
                for fields in reader
                if any(field.strip() for field in fields)
            ]
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text: {error.reason} at byte {error.start}", "save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise DataError(f"{path} is no CSV: {error}", "check the quotes around its fields") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", "check its name and permissions") from error


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in REQUIRED + OPTIONAL]
    if missing or unknown or len(set(header)) < len(header):
        found = ",".join(header) or "nothing"
        raise DataError(
            f"{path}:1 the header must be path,label[,split][,group]; got {found}", "correct the first line"
        )


def _fields(path: Path, line: int, header: list[str], fields: list[str]) -> dict[str, str]:
    if len(fields) != len(header):
        raise DataError(
            f"{path}:{line} has {len(fields)} fields; the header has {len(header)}",
            "quote fields with commas",
        )
    return {name: field.strip() for name, field in zip(header, fields, strict=True)}


def _read_item(row: dict[str, str], root: Path, confined: bool) -> tuple[Item | None, str]:
    """The item of a row, or what is wrong with it."""
    empty = [name for name in REQUIRED if not row[name]]
    if empty:
        return None, f"{' and '.join(empty)} must not be empty"
    split: SplitName | None = None
    if row.get("split"):
        split = find_splits([row["split"]]).get(row["split"])
        if split is None:
            return None, f"split must be train, validation or test; got {row['split']}"
    file = root / row["path"]
    if confined and not file.resolve().is_relative_to(root.resolve()):
        return None, f"{row['path']} lies outside of the archive"
    if not file.is_file():
        hint = " (write / instead of \\)" if "\\" in row["path"] else ""
        return None, f"no such file: {row['path']}{hint}"
    return Item(PurePosixPath(row["path"]).as_posix(), row["label"], split, row.get("group") or None), ""
