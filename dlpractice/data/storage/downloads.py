"""Files from the network: looked for on this machine first, fetched once, kept in the cache."""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.cache_lock import writing
from dlpractice.data.storage.transfer import PART, Transfer, TransferError
from dlpractice.errors import DataError
from dlpractice.paths import exists, is_file, open_file, status
from dlpractice.progress import Progress, Silent
from dlpractice.settings import DATA_VARIABLE, data_dirs
from dlpractice.whole_files import put_in_place

ATTEMPTS = 5


@dataclass(frozen=True)
class Download(Keyed):
    """A file that can be had from the network: its `name` in DLP_DATA_DIR, such as `cats-dogs/images.zip`.

    `digest` is that of the file at `url` where it is known: `md5:` or `sha256:` and hexadecimal digits. A
    file that lies in DLP_DATA_DIR may be packed differently, so it is not held against it.
    """

    name: str
    url: str
    digest: str = ""

    CODE: ClassVar[tuple[str, ...] | None] = ()


def find_local(wanted: Download) -> Path | None:
    """The file of that name in DLP_DATA_DIR, or an earlier download of it."""
    files = [*(folder / wanted.name for folder in data_dirs()), _place(wanted)]
    return next((file for file in files if is_file(file)), None)


def fetch(wanted: Download, progress: Progress | None = None) -> Path:
    """Returns the file, and downloads it where neither DLP_DATA_DIR nor the cache has it.

    A download appears under its name only when it is complete. Where the network fails it is tried again, and
    goes on from what has come; so does the next call, if the digest of the whole is known. A download with
    another digest is discarded.

    Raises:
        DataError: the file can neither be found nor downloaded, naming file, address and variable.
    """
    local = find_local(wanted)
    if local is not None:
        return local
    target = _place(wanted)
    with writing(target.parent):
        if not is_file(target):
            _download(wanted, target, progress or Silent())
    return target


def _place(wanted: Download) -> Path:
    return wanted.cache_place("downloads") / Path(wanted.name).name


def _download(wanted: Download, target: Path, progress: Progress) -> None:
    part = target.with_name(f"{PART}{target.name}")
    transfer = Transfer(wanted.url, part, progress, checked=bool(wanted.digest))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            transfer.go_on()
            _check_digest(wanted, part, is_joined=transfer.is_joined)
            put_in_place(part, target)
            return
        except TransferError as error:
            if attempt == ATTEMPTS or not error.may_pass:
                raise _explain(wanted, part, error) from error
            progress.say(f"{target.name}: {error}; trying again")
            time.sleep(2 ** (attempt - 1) if error.wait is None else error.wait)


def _check_digest(wanted: Download, part: Path, *, is_joined: bool) -> None:
    """Removes what is not the file that was wanted. If it came in pieces, they may not belong together."""
    algorithm, _, known = wanted.digest.partition(":")
    if not known:
        return
    with open_file(part) as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != known.lower():
        part.unlink()
        raise TransferError(
            f"it is another file: its {algorithm} is {found}, not {known}", may_pass=is_joined
        )


def _explain(wanted: Download, part: Path, error: TransferError) -> DataError:
    hint = f"get the file elsewhere and set {DATA_VARIABLE} to the folder that holds {wanted.name}"
    if not wanted.digest:
        part.unlink(missing_ok=True)
    elif exists(part):
        hint = f"start again to go on from {status(part).st_size / 1e6:.1f} MB, or {hint}"
    return DataError(f"cannot download {part.name.removeprefix(PART)} from {wanted.url}: {error}", hint)
