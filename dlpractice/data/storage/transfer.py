"""Transfers over HTTP that may break off: a file grows from where it is, in time that is bounded."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from dlpractice.paths import exists, status
from dlpractice.progress import Progress
from dlpractice.whole_files import growing

if TYPE_CHECKING:
    import requests

SILENCE = 30.0
"""Seconds without a byte, or in which too few come in, after which a connection is given up."""
SLOWEST = 1000
"""Bytes per second below which a transfer is as good as none."""
LARGEST = 20_000_000_000
"""Bytes after which an answer that has not said how long it is is taken for one without an end."""
LONGEST_WAIT = 60.0
_PIECE = 1 << 16
# By their number the client's fault, yet over after a while, as are all from 500 on.
_PASSING = (408, 425, 429)


class TransferError(Exception):
    """A transfer came to nothing, or broke off.

    Args:
        may_pass: whether to try again may help.
        wait: seconds after which the server wants to be asked again; None if it did not say.
    """

    def __init__(self, message: str, *, may_pass: bool, wait: float | None = None) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        self.wait = wait


class Transfer:
    """The file at `url`, on its way into `part`, which may hold the beginning of it.

    Args:
        checked: whether the whole is held against a digest. If it is not, a beginning is only kept where the
            server says that the rest belongs to it.
    """

    def __init__(self, url: str, part: Path, progress: Progress, *, checked: bool) -> None:
        self._url, self._part, self._progress, self._checked = url, part, progress, checked
        self._validator = ""
        self.is_joined = False
        """Whether the bytes in `part` come from more than one answer."""

    def go_on(self) -> None:
        """Asks for what is lacking, and returns when it is there.

        Raises:
            TransferError: it did not come, or not all of it; what came is kept in `part`.
            WriteError: `part` cannot be written, and is removed.
        """
        import requests
        import urllib3

        present = self._keep_beginning()
        # Compressed on the way, the answer could not be taken up again.
        headers = {"Accept-Encoding": "identity"}
        if present:
            headers["Range"] = f"bytes={present}-"
            if self._validator:
                headers["If-Range"] = self._validator
        try:
            with (
                requests.Session() as session,
                session.get(self._url, headers=headers, stream=True, timeout=SILENCE) as response,
            ):
                self._refuse_answer(response)
                self._receive(response, self._begin(response, present))
        except requests.exceptions.InvalidSchema as error:
            raise TransferError(f"it leads to no address of the web: {error}", may_pass=False) from error
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
            raise TransferError(_describe(error), may_pass=True) from error
        except (requests.RequestException, ValueError) as error:  # addresses that are none
            raise TransferError(_describe(error), may_pass=False) from error

    def _keep_beginning(self) -> int:
        """The bytes that are there and can be gone on with."""
        if self._validator or self._checked:
            return status(self._part).st_size if exists(self._part) else 0
        self._part.unlink(missing_ok=True)
        return 0

    def _refuse_answer(self, response: "requests.Response") -> None:
        hops = [answer.url for answer in (*response.history, response)]
        if self._url.startswith("https:") and (open_ := [hop for hop in hops if hop.startswith("http:")]):
            raise TransferError(f"it leads to {open_[0]}, which is not encrypted", may_pass=False)
        if response.status_code == 416:  # what is there is no beginning of it
            self._part.unlink(missing_ok=True)
            raise TransferError("the server has less than is here already", may_pass=True)
        if response.status_code >= 400:
            status = response.status_code
            raise TransferError(
                f"the server answers {status} {response.reason}",
                may_pass=status >= 500 or status in _PASSING,
                wait=_read_wait(response.headers.get("Retry-After", "")),
            )

    def _begin(self, response: "requests.Response", present: int) -> int:
        """The bytes that are kept in front of those of this answer; begins the progress."""
        kept = present if response.status_code == 206 else 0
        stated = response.headers.get("Content-Range", "")
        if kept and not stated.startswith(f"bytes {kept}-"):
            self._part.unlink(missing_ok=True)
            raise TransferError(f"the server sends other bytes than asked for: {stated}", may_pass=True)
        is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
        tag = response.headers.get("ETag", "")
        dated = response.headers.get("Last-Modified", "")
        self._validator = (dated if tag.startswith("W/") or not tag else tag) if is_plain else ""
        length = response.headers.get("Content-Length", "") if is_plain else ""
        self.is_joined = kept > 0
        name = self._part.name.removeprefix(PART)
        self._progress.stage(f"downloading {name}", kept + int(length) if length.isdecimal() else 0, "bytes")
        self._progress.advance(kept)
        return kept

    def _receive(self, response: "requests.Response", kept: int) -> None:
        size, before, begun = kept, kept, time.monotonic()
        with growing(self._part, kept) as file:
            # `read1` gives what there is; `read` would wait for a whole piece, however slowly it comes.
            while piece := response.raw.read1(_PIECE, decode_content=True):
                file.write(piece)
                self._progress.advance(len(piece))
                size += len(piece)
                if size > LARGEST:
                    raise TransferError(f"it has more than {LARGEST / 1e9:.0f} GB", may_pass=False)
                if (seconds := time.monotonic() - begun) >= SILENCE:
                    if size - before < SLOWEST * seconds:
                        raise TransferError(
                            f"only {size - before} bytes came in {seconds:.0f} seconds", may_pass=True
                        )
                    before, begun = size, time.monotonic()


PART = ".part-"
"""What the name of a file begins with that has not come whole."""


def _read_wait(header: str) -> float | None:
    return min(float(header), LONGEST_WAIT) if header.isdecimal() else None


def _describe(error: Exception) -> str:
    """What went wrong at the bottom of it: messages of requests and urllib3 are wrapped in each other."""
    reason: object = error
    while isinstance(reason, Exception):
        name = type(reason).__name__
        reason = getattr(reason, "reason", None) or next(iter(reason.args), "")
    text = str(reason).partition("\n")[0]
    return text if 0 < len(text) < 200 and "object at 0x" not in text else name
