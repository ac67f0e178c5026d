"""`dlp data check` for `dlp oneshot`: its answer is that of the functions by which training reads classes."""

from dlpractice.config.schema import Oneshot
from dlpractice.data.audit.audit import audit_nothing
from dlpractice.data.audit.drawings_audit import DRAWINGS
from dlpractice.data.files.index_items import Finding
from dlpractice.data.oneshot.own_classes import audit_class_folders
from dlpractice.errors import DataError
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.data.check import Check, is_there, refuse
from dlpractice.recipes.oneshot.oneshot import plan_tasks
from dlpractice.recipes.oneshot.setup import read_classes, read_reading


def run(config: Oneshot, progress: Progress | None = None) -> Check:
    """Reads and audits the data of a config, divides its classes and draws its tasks.

    Raises:
        DataError: there are no data: nothing has the name or path, or they cannot be had.
    """
    progress, source = progress or Silent(), config.data.source
    audit = audit_nothing()
    if source not in DRAWINGS:
        try:
            audit = audit_class_folders(source, read_reading(config), progress)
        except DataError as error:
            if not is_there(source):
                raise
            return refuse(config, error)
    if audit.of("error"):
        return Check(config, audit, {})
    try:
        class_split = read_classes(config, progress)
        plan_tasks(config, class_split)
    except DataError as error:
        finding = Finding("cannot be divided", "error", error.message, error.details, error.hint)
        return Check(config, audit.with_finding(finding), {})
    sizes = {name: len(part.by_class()) for name, part in class_split.parts.items()}
    return Check(config, audit, sizes)
