"""Decides which images are let in: what an audit found is held against what was asked for."""

from collections.abc import Iterable
from typing import Literal

from dlpractice.data.audit.audit import Audit
from dlpractice.data.files.index_items import Finding, Index, Item
from dlpractice.errors import DataError
from dlpractice.progress import Progress


def admit(
    index: Index, audit: Audit, on_bad_image: Literal["error", "skip"], progress: Progress
) -> list[Item]:
    """The items that can be used, after every warning of the audit was passed on.

    Raises:
        DataError: the audit found errors; images that cannot be used are one unless they shall be skipped.
    """
    _refuse(index, audit, on_bad_image)
    announce([finding for finding in index.findings if finding.severity == "info"], progress)
    announce(audit.of("warning"), progress)
    if audit.unusable:
        number = len(audit.unusable)
        progress.warn(f"{number} of {len(index.items)} images are left out: they cannot be used")
    left_out = {unusable.path for unusable in audit.unusable}
    return [item for item in index.items if item.path not in left_out]


def announce(findings: Iterable[Finding], progress: Progress) -> None:
    """Tells the user what was found: warnings as such, the rest in plain lines."""
    for finding in findings:
        tell = progress.warn if finding.severity == "warning" else progress.say
        tell(finding.message)


def _refuse(index: Index, audit: Audit, on_bad_image: Literal["error", "skip"]) -> None:
    unusable_kinds = {unusable.kind for unusable in audit.unusable}
    if audit.unusable and on_bad_image == "error":
        lines = [f"  {unusable.path}: {unusable.reason}" for unusable in audit.unusable]
        raise DataError(
            f"{len(lines)} of {len(index.items)} images in {index.root} cannot be used:\n" + "\n".join(lines),
            "repair or remove them, or set data.on_bad_image=skip to leave them out",
        )
    others = [finding.message for finding in audit.of("error") if finding.kind not in unusable_kinds]
    if others:
        raise DataError(
            f"{index.root}: " + "; ".join(others), "correct the data; `dlp data check` shows all findings"
        )
