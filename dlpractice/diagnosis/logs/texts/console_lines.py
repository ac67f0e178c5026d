"""Lines that programs print while they train, read as rows: names, numbers, epochs, splits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dlpractice.diagnosis.logs.columns import Meaning, recognise, split_words
from dlpractice.diagnosis.logs.texts.json_text import parse_literal

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_BREAKS = re.compile(r"[\r\n\x08]+")
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)\b"
_TOKEN = re.compile(
    rf"(?<![\w@.\-/])(?P<number>{_NUMBER})(?P<of>\s*/\s*\d+)?(?P<percent>\s*%)?"
    rf"(?:\s*\(\s*(?P<average>{_NUMBER})(?P<average_percent>\s*%)?\s*\))?",
    re.IGNORECASE,
)
_EPOCH = re.compile(
    r"(?<!total )(?<!max )(?<!num )\b(?:epoch|ep)\b\s*(?:\((?P<split>train|val|test)\))?"
    r"\s*[:=#|\-]?\s*[\[(#]?\s*(?P<number>\d+)(?!\.?\d)",
    re.IGNORECASE,
)
_TRAIN_EPOCH = re.compile(
    r"\btrain(?:ing)?:\s*\[?\s*(?P<number>\d+)\s*(?:/\s*\d+\s*\]\s*\[|\[)", re.IGNORECASE
)
"""How timm and Swin count epochs: "Train: 3 [ 0/100" and "Train: [3/300][0/100]"."""
_VALIDATED = re.compile(r"(?:^|\s)\*\s")
_CATBOOST = re.compile(r"^\d+:\s+learn:\s*(?P<learn>[-+\d.e]+)(?:\s+test:\s*(?P<test>[-+\d.e]+))?\s")
_STEP = re.compile(
    r"\b(?:global_step|step|iter|iters|iteration|batch|update|num_updates)\b\s*[:=#|]?\s*[\[(]?\s*(?P<number>\d+)",
    re.IGNORECASE,
)
_ROUND = re.compile(r"^\s*(?:\[(?P<bracket>\d+)\]|(?P<plain>\d+):)\s")
_BAR = re.compile(r"\d+/\d+\s*(?:\[[=>.\-]*\]|[━╸ ]{5,})|\d+%\|")
_SEPARATORS = re.compile(r"\s-\s|[,;|\[\]\t:=]")
_TOTAL = re.compile(
    r"accuracy of the (?:network|model).*?images?\s*[:=]?\s*(?P<number>\d+(?:\.\d+)?)\s*%", re.IGNORECASE
)
_WORTH = re.compile(r"loss|acc|top1|prec|error|cost|\blr\b|learning.rate|nll", re.IGNORECASE)
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "eval": "val",
}
_SPLITS |= {"evaluation": "val", "evaluate": "val", "dev": "val", "test": "test", "testing": "test"}
_NO_MEASUREMENT = {
    "best",
    "max",
    "min",
    "maximum",
    "minimum",
    "ema",
    "target",
    "from",
    "improved",
    "prev",
    "previous",
}
_NO_MEASUREMENT |= {"cost", "py"}
_PARTS = {
    "iou",
    "giou",
    "box",
    "bbox",
    "obj",
    "conf",
    "dfl",
    "rpn",
    "mask",
    "kpt",
    "pose",
    "seg",
    "kl",
    "kld",
    "adv",
}
_PARTS |= {
    "recon",
    "reconstruction",
    "generator",
    "discriminator",
    "gen",
    "disc",
    "style",
    "content",
    "perceptual",
}
_PARTS |= {"aux", "reg", "regularization", "policy", "value", "actor", "critic", "center", "commitment"}
_LONGEST_LINE = 20_000
_LONGEST_NAME = 5
_HEADING = 4
"""Words of the longest heading, such as "Validation:"."""


@dataclass
class _Place:
    """Where in the training a line is. split: what a heading said the lines below are of."""

    epoch: float | None = None
    step: float | None = None
    split: str = ""


@dataclass
class Line:
    """The numbers of a line. values: by names such as `train/loss`. running: whether they are averages over
    the epoch so far, of which only the last counts."""

    epoch: float | None
    step: float | None
    values: dict[str, float] = field(default_factory=dict)
    running: bool = False


def read_lines(text: str) -> Iterator[Line]:
    """The lines of a text that have a loss, an accuracy or a rate; what was overwritten on a terminal is a
    line of its own."""
    place = _Place()
    for line in _BREAKS.split(_CONTROL.sub("", text)):
        if not line.strip() or len(line) > _LONGEST_LINE:
            continue
        found = _read_line(line, place)
        if found is not None and found.values:
            yield found


def _read_line(line: str, place: _Place) -> Line | None:
    if (start := line.find("{")) >= 0 and line.rstrip().endswith("}"):
        row = parse_literal(line[start:])
        if isinstance(row, dict):
            return _read_object(row, place)
    split = _update(line, place)
    if total := _TOTAL.search(line):
        return Line(place.epoch, place.step, {"test/accuracy": float(total["number"]) / 100})
    if catboost := _CATBOOST.match(line):
        values = {"train/loss": catboost["learn"], "val/loss": catboost["test"]}
        return Line(None, place.step, {name: float(value) for name, value in values.items() if value})
    if not _WORTH.search(line):
        words = split_words(line)
        named = [_SPLITS[word] for word in words if word in _SPLITS]
        if named and len(words) <= _HEADING and not any(character.isdigit() for character in line):
            place.split = named[-1]
        return None
    return _read_numbers(line, split or place.split, place)


def _update(line: str, place: _Place) -> str:
    """Takes epoch and step from a line. Returns the split that its epoch is marked with, or ""."""
    marks = list(_EPOCH.finditer(line)) or list(_TRAIN_EPOCH.finditer(line))
    if marks:
        number = float(marks[0]["number"])
        if number != place.epoch:
            place.split, place.step = "", None
        place.epoch = number
    if step := _STEP.search(line):
        place.step = float(step["number"])
    elif not marks and (count := _ROUND.match(line)):
        place.step = float(count["bracket"] or count["plain"])
    return (marks[0].groupdict().get("split") or "").lower() if marks else ""


def _read_object(row: dict[str, Any], place: _Place) -> Line | None:
    """A dictionary that was printed, as Hugging Face's trainer does."""
    if "train_runtime" in row:
        return None
    values = {
        str(name): float(v) for name, v in row.items() if isinstance(v, int | float | str) and _is_number(v)
    }
    if "epoch" in values:
        place.epoch = values["epoch"]
    kept = {name: value for name, value in values.items() if recognise(name) is not None}
    return Line(place.epoch, values.get("step"), kept) if kept else None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return not isinstance(value, bool)


def _read_numbers(line: str, split: str, place: _Place) -> Line:
    """Each number with a known name before it. A name without a split has that of the name before."""
    found = Line(place.epoch, place.step, running=bool(_BAR.search(line)))
    if "validation_1" in line:  # XGBoost's names for the sets it evaluates; the first is trained on
        line = line.replace("validation_0", "train")
    if _VALIDATED.search(line):  # how PyTorch's examples print a validation
        split = split or "val"
    end = 0
    for token in _TOKEN.finditer(line):
        label, end = line[end : token.start()], token.end()
        words = split_words(label)
        split = next((_SPLITS[word] for word in reversed(words) if word in _SPLITS), split)
        name, meaning = _find_name(_SEPARATORS.split(label.rstrip(" :=\t"))[-1])
        if meaning is None or (
            token["of"] and not (token["average_percent"] or meaning.curve.endswith("accuracy"))
        ):
            continue
        own = "" if meaning.split or not split else f"{split}/"
        found.values[own + name] = _read_token(token, meaning)
        found.running |= token["average"] is not None and not token["of"]
    return found


def _find_name(label: str) -> tuple[str, Meaning | None]:
    """The longest known name at the end of a label, in whole words: `iou_loss` is no loss, nor is `box loss`.

    Nothing where the label says that it is a record, a part of a sum, or a time.
    """
    words = split_words(label)
    if set(words) & (_NO_MEASUREMENT | _PARTS):
        return "", None
    parts = label.split()
    for length in range(min(_LONGEST_NAME, len(parts)), 0, -1):
        name = "_".join(split_words(" ".join(parts[-length:])))
        if (meaning := recognise(name)) is not None:
            return name, meaning
    return "", None


def _read_token(token: re.Match[str], meaning: Meaning) -> float:
    """The average in parentheses, where there is one; 98/100 (98%) is 0.98."""
    if token["of"] and meaning.curve.endswith("accuracy"):
        whole = float(token["of"].strip(" /"))
        return float(token["number"]) / whole if whole else float("nan")
    number, percent = token["number"], token["percent"]
    if token["average"] is not None:
        number, percent = token["average"], token["average_percent"]
    return float(number) / (100.0 if percent else 1.0)
