"""What two folders of runs hold, compared bit for bit, but for how long things took."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

TIMES = {
    *("seconds", "images_per_second", "timings", "step_seconds", "expected_seconds", "shared_seconds"),
    *("date_saved", "git"),
}
"""Names of columns and keys whose values two runs do not share; nor need the checkout be the same."""


def list_differences(folder: Path, other: Path) -> list[str]:
    """The parts of files in which two folders differ, or that one of them lacks."""
    ours, theirs = dict(read_all(folder)), dict(read_all(other))
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def read_all(folder: Path) -> Iterator[tuple[str, str]]:
    """The parts of all files of a folder, and the digest of each."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != ".lock":
            name = str(file.relative_to(folder))
            for part, content in _read(file.name, file.read_bytes(), str(folder.parent)):
                yield f"{name}{part}", hashlib.sha256(content).hexdigest()


def _read(name: str, content: bytes, place: str) -> Iterator[tuple[str, bytes]]:
    suffix = name.rpartition(".")[2]
    if suffix in ("keras", "npz"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                for part, inner in _read(member, archive.read(member), place):
                    yield f":{member}{part}", inner
    elif suffix == "h5":
        with h5py.File(io.BytesIO(content)) as file:
            yield from _read_weights(file)
    elif suffix == "json":
        document = _without_times(json.loads(content))
        yield "", json.dumps(document, sort_keys=True).replace(place, "PLACE").encode()
    elif name == "metrics.csv":
        yield "", _without_columns(content.decode()).encode()
    else:
        yield "", content


def _read_weights(file: Any) -> Iterator[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            array = np.array(item)
            found.append((f":{name}", f"{array.dtype} {array.shape}".encode() + array.tobytes()))

    file.visititems(keep)
    yield from found


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(inner) for key, inner in value.items() if key not in TIMES}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


def _without_columns(text: str) -> str:
    rows = [line.split(",") for line in text.splitlines()]
    kept = [place for place, name in enumerate(rows[0]) if name not in TIMES]
    return "\n".join(",".join(row[place] for place in kept) for row in rows)
