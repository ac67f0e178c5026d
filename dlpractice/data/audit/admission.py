"""Decides whether a data set is let in: training raises what this finds, and `dlp data check` prints it."""

from collections.abc import Iterable

from dlpractice.data.audit.audit import Audit
from dlpractice.data.audit.findings import RANGE
from dlpractice.data.files.index_items import Finding, Index, Item
from dlpractice.errors import DataError
from dlpractice.progress import Progress

_CORRECT = "correct the data; `dlp data check` shows all findings"


def usable_items(index: Index, audit: Audit) -> list[Item]:
    """The items of an index without those that cannot be used."""
    left_out = {unusable.path for unusable in audit.unusable}
    return [item for item in index.items if item.path not in left_out]


def admit(index: Index, audit: Audit, progress: Progress) -> None:
    """Passes on every warning of the audit.

    Raises:
        DataError: the audit found errors. It lists every image that cannot be used.
    """
    errors = audit.of("error")
    if errors:
        kinds = {unusable.kind for unusable in audit.unusable}
        others = [finding for finding in errors if finding.kind not in kinds]
        unusable = audit.unusable if len(others) < len(errors) else ()
        said = [f"{len(unusable)} of {len(index.items)} images cannot be used"] if unusable else []
        raise DataError(
            f"{index.place}: " + "; ".join([*said, *(finding.message for finding in others)]),
            "; ".join(dict.fromkeys(finding.hint or _CORRECT for finding in errors)),
            [f"{bad.path}: {bad.reason}" for bad in unusable],
        )
    announce([finding for finding in index.findings if finding.severity == "info"], progress)
    announce([finding for finding in audit.of("info") if finding.kind == RANGE], progress)
    announce(audit.of("warning"), progress)


def announce(findings: Iterable[Finding], progress: Progress) -> None:
    """Tells the user what was found: warnings as such, the rest in plain lines."""
    for finding in findings:
        tell = progress.warn if finding.severity == "warning" else progress.say
        tell(finding.message)
