"""Files from the network: looked for on this machine first, fetched once, kept in the cache."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dlpractice.data.storage.cache_key import Keyed
from dlpractice.data.storage.cache_lock import writing
from dlpractice.errors import DataError
from dlpractice.progress import Progress, Silent
from dlpractice.settings import DATA_VARIABLE, data_dirs

ATTEMPTS = 4
TIMEOUT_SECONDS = 30


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
    return next((file for file in files if file.is_file()), None)


def fetch(wanted: Download, progress: Progress | None = None) -> Path:
    """Returns the file, and downloads it where neither DLP_DATA_DIR nor the cache has it.

    A download appears under its name only when it is complete. Where the network fails it is tried again. A
    download with another digest is discarded.

    Raises:
        DataError: the file can neither be found nor downloaded, naming file, address and variable.
    """
    local = find_local(wanted)
    if local is not None:
        return local
    target = _place(wanted)
    with writing(target.parent):
        if not target.is_file():
            _download(wanted, target, progress or Silent())
    return target


def _place(wanted: Download) -> Path:
    return wanted.cache_place("downloads") / Path(wanted.name).name


def _download(wanted: Download, target: Path, progress: Progress) -> None:
    import pooch
    import requests

    # Its messages repeat what the progress says, and a hash that nobody compares.
    pooch.get_logger().setLevel(logging.WARNING)
    known = wanted.digest or None
    for attempt in range(1, ATTEMPTS + 1):
        loader = pooch.HTTPDownloader(progressbar=_Bar(target.name, progress), timeout=TIMEOUT_SECONDS)
        try:
            pooch.retrieve(wanted.url, known, fname=target.name, path=target.parent, downloader=loader)
            return
        except (requests.RequestException, ValueError) as error:
            if attempt == ATTEMPTS or not _may_pass(error):
                raise DataError(
                    f"cannot download {target.name} from {wanted.url}: {_short(error)}",
                    f"get the file elsewhere and set {DATA_VARIABLE} to the folder that holds {wanted.name}",
                ) from error
            progress.say(f"{target.name}: {_short(error)}; trying again")
            time.sleep(2 ** (attempt - 1))


def _may_pass(error: Exception) -> bool:
    """True where trying again may help: not for a wrong address (4xx), nor for content with another hash."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code >= 500 or error.response.status_code == 429
    return isinstance(
        error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError
    )


def _short(error: Exception) -> str:
    text = str(error).split("\n")[0]
    return text if len(text) < 200 else type(error).__name__


class _Bar:
    """Passes what pooch tells its progress bar on to ours, in bytes."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name = name
        self._progress = progress
        self._started = False
        self.total = 0

    def update(self, done: int) -> None:
        if not self._started:
            self._started = True
            self._progress.stage(f"downloading {self._name}", self.total, "bytes")
        self._progress.advance(done)

    def reset(self) -> None:
        """pooch resets its bar at the end, only to fill it once more."""
        self._progress = Silent()

    def close(self) -> None:
        """Nothing is left open."""
