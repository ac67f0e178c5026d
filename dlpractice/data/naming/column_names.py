"""What people call the columns of a table of images."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from dlpractice.data.naming.split_names import SplitName, find_flag

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
    "group": frozenset(
        {
            *("group", "groupid", "patient", "patientid", "subject", "subjectid", "person", "personid"),
            *("participant", "participantid", "lesionid", "speaker", "speakerid", "writer", "writerid"),
            *("drawer", "drawerid", "video", "videoid", "clipid", "scene", "sceneid", "session", "sessionid"),
            *(
                "sequenceid",
                "burst",
                "burstid",
                "individual",
                "individualid",
                "animalid",
                "caseid",
                "studyid",
            ),
        }
    ),
}
# Taken only where no other column is: `id` often numbers the rows, and `class_id` the classes.
_SECOND_NAMES: Mapping[Role, frozenset[str]] = {
    "path": frozenset({"imageid", "imgid", "fileid", "id"}),
    "label": frozenset({"labelid", "classid", "categoryid", "choice", "species", "breed", "diagnosis", "dx"}),
}
_KNOWN = frozenset().union(*_NAMES.values(), *_SECOND_NAMES.values())
# What must not be passed over where it is misspelt: then images would be divided otherwise than was meant.
_DIVIDING = ("split", "subset", "partition", "group")
_FOLD = re.compile(r"(k|cv)?folds?(id)?")
_TRUTHS = {"0": False, "1": True, "false": False, "true": True}
_SHOWN = 8
_PANDAS_INDEX = re.compile(r"(unnamed:?\s*\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Columns:
    """Which column holds what, by position.

    `numbering` merely number the rows, and `unused` say something that is not asked for. `words` are the
    values of a column such as `is_valid`, each with the split that it stands for.
    """

    places: Mapping[Role, int]
    numbering: tuple[int, ...] = ()
    unused: tuple[int, ...] = ()
    words: Mapping[str, SplitName] = field(default_factory=dict)


class UnknownColumnsError(Exception):
    """What a header lacks or has too much, in words, and in `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def assign_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Finds out which column holds what, by the names in the header.

    Where several may hold the same, one that is called just like the role is taken. What nobody knows is left
    out, unless it may say how the images are to be divided.

    Raises:
        UnknownColumnsError: a column is lacking, could be two things, or may say how images are divided.
    """
    values = [[row[place] for row in rows] for place in range(len(header))]
    candidates = {role: _find_candidates(header, role) for role in _NAMES}
    words: Mapping[str, SplitName] = {}
    if not candidates["split"]:
        candidates["split"] = [place for place, name in enumerate(header) if find_flag(name)]
        words = _read_flags(header, candidates["split"], values)
    known = {place for places in candidates.values() for place in places}
    rest = [
        place for place in range(len(header)) if place not in known and (header[place] or any(values[place]))
    ]
    numbering = tuple(place for place in rest if _numbers_rows(header[place], values[place]))
    _refuse_lacking(header, candidates, rest, values)
    _refuse_ambiguous(header, candidates)
    _refuse_dividing(header, [place for place in rest if place not in numbering])
    places = {role: places[0] for role, places in candidates.items() if places}
    used = {*places.values(), *numbering}
    return Columns(places, numbering, tuple(place for place in sorted({*known, *rest} - used)), words)


def name_columns(header: Sequence[str], places: Sequence[int]) -> str:
    """Columns in words: `column width`, `columns width, height`, `column number 3` where it has no name."""
    names = [header[place] or f"number {place + 1}" for place in places]
    return f"{'column' if len(names) == 1 else 'columns'} {_some(names)}"


def _find_candidates(header: Sequence[str], role: Role) -> list[int]:
    """The columns that may hold something: those called just like it, else those of usual names."""
    for names in (_NAMES[role], _SECOND_NAMES.get(role, frozenset())):
        places = [place for place, name in enumerate(header) if _simplify(name) in names]
        exact = [place for place in places if header[place].casefold() == role]
        if places:
            return exact or places
    return []


def _read_flags(
    header: Sequence[str], places: Sequence[int], values: Sequence[Sequence[str]]
) -> dict[str, SplitName]:
    """What yes and no stand for in a column such as `is_valid`; other words are left to be refused."""
    splits = [split for place in places if (split := find_flag(header[place]))]
    if len(splits) != 1:
        return {}
    yes = splits[0]
    no: SplitName = "test" if yes == "train" else "train"
    truths = {word: _TRUTHS.get(word.casefold().removesuffix(".0")) for word in values[places[0]]}
    return {word: yes if truth else no for word, truth in truths.items() if truth is not None}


def count_known(header: Sequence[str]) -> int:
    """How many of the names are those of columns of images."""
    return sum(_simplify(name) in _KNOWN for name in header)


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
    header: Sequence[str],
    candidates: Mapping[Role, Sequence[int]],
    rest: Sequence[int],
    values: Sequence[Sequence[str]],
) -> None:
    names = [header[place] for place in rest if header[place]]
    marks = [header[place] for place in rest if values[place] and set(values[place]) <= {"0", "1"}]
    for role in ("path", "label"):
        if not candidates[role]:
            hint = f"name the column that holds the {role} of an image {role}"
            if names:
                hint += f", if it is one of {_some(names)}"
            if any(re.search(r"\.\w{3,4}$", name) for name in header):
                hint = "the first line looks like an image: put the line path,label above it"
            elif len(header) == 1:
                hint = "the first line has to name the columns: put the line path,label there"
            elif role == "label" and len(marks) > 1:
                hint = f"write into one column label which of {_some(marks)} holds the 1"
            raise UnknownColumnsError(f"no column is known to hold the {role}", hint)


def _refuse_ambiguous(header: Sequence[str], candidates: Mapping[Role, Sequence[int]]) -> None:
    for role, places in candidates.items():
        if len(places) > 1:
            names = " and ".join(header[place] for place in places)
            raise UnknownColumnsError(
                f"columns {names} may each hold the {role}", f"keep one of them, and name it {role}"
            )


def _refuse_dividing(header: Sequence[str], places: Sequence[int]) -> None:
    """Refuses what is not known, but seems to say how the images are to be divided."""
    for place in places:
        name = _simplify(header[place])
        if _FOLD.fullmatch(name) or get_close_matches(name, _DIVIDING, cutoff=0.8):
            raise UnknownColumnsError(
                f"column {header[place]} seems to say how the images are divided, but is not known",
                "name it split where it says train, validation or test, or group where it says which images "
                "belong together; or remove it",
            )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
