"""The errors that reach a user as one `error:` line and one `hint:` line.

    DlpError
    ├── ConfigError      a config file, an override, or a config name
    ├── DataError        images, labels, splits, downloads
    ├── ModelError       backbones, weights, saved models
    ├── RunError         a run directory: missing, locked, unfinished, foreign
    ├── PathError        a file or folder that the system does not let us look at, open or read
    ├── WriteError       a file that cannot be written: a full disk, no permission
    └── HardwareError    devices and precisions

Any other exception that reaches a user is a bug.
"""

from collections.abc import Sequence


class DlpError(Exception):
    """What went wrong, where, and what the user can do about it.

    message: names the file, line or key that is wrong.
    hint: says what to do next.
    details: what the message sums up, a line each, such as every file that cannot be read. They are shown
        above the message, so that what a user reads last is what is wrong and what to do, not a long list.
    """

    def __init__(self, message: str, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__("\n".join([*details, message]))
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class ConfigError(DlpError):
    """A config that cannot be read, or that asks for something out of range."""


class DataError(DlpError):
    """Data that is missing, unreadable, or unfit for what was asked."""


class ModelError(DlpError):
    """A model or its weights that cannot be built, found or trusted."""


class RunError(DlpError):
    """A run directory that cannot be created, read or continued."""


class PathError(DlpError):
    """A file or folder that cannot be looked at, opened or read.

    path: as it was given.
    reason: why, in a few words, without the path.
    """

    def __init__(self, path: str, doing: str, reason: str, hint: str) -> None:
        super().__init__(f"cannot {doing} {path}: {reason}", hint)
        self.path = path
        self.reason = reason


class WriteError(DlpError):
    """A file or folder that cannot be written, or output that nobody takes."""


class HardwareError(DlpError):
    """A device or a precision that this machine does not offer."""
