"""The errors that reach a user as one `error:` line and one `hint:` line.

    DlpError
    ├── ConfigError      a config file, an override, or a config name
    ├── DataError        images, labels, splits, downloads
    ├── ModelError       backbones, weights, saved models
    ├── RunError         a run directory: missing, locked, unfinished, foreign
    └── HardwareError    devices and precisions

Any other exception that reaches a user is a bug.
"""


class DlpError(Exception):
    """What went wrong, where, and what the user can do about it.

    message: names the file, line or key that is wrong.
    hint: says what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(DlpError):
    """A config that cannot be read, or that asks for something out of range."""


class DataError(DlpError):
    """Data that is missing, unreadable, or unfit for what was asked."""


class ModelError(DlpError):
    """A model or its weights that cannot be built, found or trusted."""


class RunError(DlpError):
    """A run directory that cannot be created, read or continued."""


class HardwareError(DlpError):
    """A device or a precision that this machine does not offer."""
