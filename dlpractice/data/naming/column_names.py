"""What people call the columns of a table of images."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["path", "label", "split", "group"]

# Without space, underscores and hyphens, in lower case and in the singular.
_NAMES: Mapping[Role, frozenset[str]] = {
    "path": frozenset(
        {
            *("path", "file", "filepath", "filename", "fname", "relativepath", "relpath", "fullpath"),
            *("image", "imagepath", "imagefile", "imagefilename", "imagename", "imageindex"),
            *("img", "imgpath", "imgfile", "imgname", "picture", "photo", "audio", "recording", "wav"),
        }
    ),
    "label": frozenset(
        {
            *("label", "labelname", "class", "classname", "classlabel", "category", "categoryname"),
            *("target", "tag", "groundtruth"),
        }
    ),
    "split": frozenset({"split", "subset", "partition", "set", "dataset", "phase", "usage"}),
    "group": frozenset({"group", "groupid"}),
}
# Names of images only where no other column is: `id` often numbers the rows.
_IDENTIFIERS = frozenset({"imageid", "imgid", "fileid", "id"})
_KNOWN = _IDENTIFIERS.union(*_NAMES.values())
_PANDAS_INDEX = re.compile(r"(unnamed:?\s*\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Which column holds what: positions by role, and those that merely number the rows."""

    places: Mapping[Role, int]
    numbering: tuple[int, ...]


class UnknownColumnsError(Exception):
    """What a header lacks or has too much, in words, and in `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def assign_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Finds out which column holds what, by the names in the header.

    A column that nobody knows is left out only where it numbers the rows, as a data frame's index does.

    Raises:
        UnknownColumnsError: a column is lacking, could be two things, or is not known.
    """
    candidates: dict[Role, list[int]] = {
        role: [place for place, name in enumerate(header) if _simplify(name) in names]
        for role, names in _NAMES.items()
    }
    if not candidates["path"]:
        candidates["path"] = [place for place, name in enumerate(header) if _simplify(name) in _IDENTIFIERS]
    known = {place for places in candidates.values() for place in places}
    unknown = [place for place in range(len(header)) if place not in known]
    numbering = [place for place in unknown if _numbers_rows(header[place], [row[place] for row in rows])]
    _refuse_lacking(header, candidates, unknown)
    _refuse_ambiguous(header, candidates)
    if left := [header[place] or f"number {place + 1}" for place in unknown if place not in numbering]:
        raise UnknownColumnsError(
            f"column {', '.join(left)} is not known",
            "remove it; or name it split where it says train, validation or test, or group where it says "
            "which images belong together",
        )
    return Columns({role: places[0] for role, places in candidates.items() if places}, tuple(numbering))


def count_known(header: Sequence[str]) -> int:
    """How many of the names are those of columns of images."""
    return sum(any(_simplify(name) in names for names in (*_NAMES.values(), _IDENTIFIERS)) for name in header)


def _simplify(name: str) -> str:
    """The name as it is in the lists above, if it is there in another case, in the plural or with hyphens."""
    letters = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())
    forms = (letters, letters.removesuffix("s"), letters.removesuffix("es"), re.sub("ies$", "y", letters))
    return next((form for form in forms if form in _KNOWN), letters)


def _numbers_rows(name: str, values: Sequence[str]) -> bool:
    """Whether a column has no name and only numbers, or a name and the numbers of the rows from 0 or 1 on."""
    if _PANDAS_INDEX.fullmatch(name.strip()):
        return all(re.fullmatch(r"\d*", value) for value in values)
    counts = ([str(start + row) for row in range(len(values))] for start in (0, 1))
    return len(values) > 1 and any(list(values) == count for count in counts)


def _refuse_lacking(
    header: Sequence[str], candidates: Mapping[Role, Sequence[int]], unknown: Sequence[int]
) -> None:
    names = [header[place] for place in unknown if header[place]]
    for role in ("path", "label"):
        if not candidates[role]:
            hint = f"name the column that holds the {role} of an image {role}"
            if names:
                hint += f", if it is one of {', '.join(names)}"
            if any(re.search(r"\.\w{3,4}$", name) for name in header):
                hint = "the first line looks like an image: put the line path,label above it"
            raise UnknownColumnsError(f"no column is known to hold the {role}", hint)


def _refuse_ambiguous(header: Sequence[str], candidates: Mapping[Role, Sequence[int]]) -> None:
    for role, places in candidates.items():
        if len(places) > 1:
            names = " and ".join(header[place] for place in places)
            raise UnknownColumnsError(
                f"column {names} may each hold the {role}", f"keep one of them, and name it {role}"
            )
