"""What files there are, by the endings of their names."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

_MOST = 5


def count_endings(paths: Iterable[str]) -> str:
    """Files in words: "400 files *.pgm, 1 file *.npy", the most frequent first; folders are left out."""
    counts = Counter(_ending(path) for path in paths if not path.endswith("/"))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    said = [
        f"{count} {'file' if count == 1 else 'files'} {f'*{ending}' if ending else 'without an ending'}"
        for ending, count in ordered[:_MOST]
    ]
    rest = sum(count for _, count in ordered[_MOST:])
    return ", ".join([*said, f"{rest} others"] if rest else said)


def _ending(path: str) -> str:
    """In lower case; of a compressed file together with the ending before, as in `.nii.gz`."""
    endings = PurePosixPath(path).suffixes
    kept = endings[-2:] if endings and endings[-1].lower() in (".gz", ".bz2", ".xz") else endings[-1:]
    return "".join(kept).lower()
