"""OpenMMLab's logs: the `scalars.json` of MMEngine and the `.log.json` of MMCV, an object on each line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.format import Format, Place
from dlpractice.diagnosis.logs.formats.json_lines import find_lines, read_lines
from dlpractice.diagnosis.logs.interpretation import interpret
from dlpractice.diagnosis.logs.table import tabulate_rows
from dlpractice.diagnosis.logs.texts.json_text import parse_literal
from dlpractice.diagnosis.logs.texts.text import read_head
from dlpractice.diagnosis.record import Record
from dlpractice.paths import find_matching, is_file, is_folder

_FOLDER = "vis_data"


def find_scalars(path: Path) -> Path | None:
    """`path` itself, where its first lines are as these libraries write them; of a folder the file that lies
    in `vis_data`, in it or in the latest folder in it."""
    if is_folder(path):
        files = [
            *find_matching(path, f"{_FOLDER}/scalars.json"),
            *find_matching(path, f"*/{_FOLDER}/scalars.json"),
            *find_matching(path, "scalars.json"),
        ]
        files += [*find_matching(path, "*.log.json")]
        path = max(files, default=path)
    if not is_file(path) or find_lines(path) is None:
        return None
    lines = read_head(path).decode("utf-8", errors="replace").splitlines()[:3]
    rows = [row for line in lines if isinstance(row := parse_literal(line), dict)]
    return path if any(_is_theirs(row) for row in rows) else None


def _is_theirs(row: Mapping[str, Any]) -> bool:
    return {"mode", "epoch", "lr"} <= row.keys() or ({"data_time", "time", "step", "lr"} <= row.keys())


def read_scalars(path: Path, mapping: Mapping[str, str]) -> Record:
    """The record of such a file.

    MMEngine gives a validation no epoch, and counts its steps in epochs where training goes by epochs. So a
    row without a loss and a rate belongs to the epoch, or the step, of the row before.

    Raises:
        RunError: a line is no JSON object, or there is no loss.
    """
    return interpret(tabulate_rows(str(path), "MMEngine scalars", _mark(read_lines(path))), mapping)


def _mark(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    place: dict[str, Any] = {}
    for row in rows:
        if "mode" in row:  # MMCV says itself what a row is; iterations begin again with each epoch
            yield {name: value for name, value in row.items() if name != "iter"}
        elif "lr" in row:
            place = {name: row[name] for name in ("epoch", "step") if name in row}
            yield {
                f"train/{name}" if "loss" in name else name: value
                for name, value in row.items()
                if name != "iter"
            }
        else:
            yield {
                f"val/{name}": value for name, value in row.items() if name not in ("step", "epoch")
            } | place


FORMAT = Format(
    name="MMEngine scalars",
    words="a scalars.json of MMEngine",
    recognised_by=(
        "a `scalars.json`, as MMEngine writes it to `vis_data`, a `.log.json` of MMCV, or a folder with one"
    ),
    places=(Place(26, find_scalars),),
    read=read_scalars,
)
