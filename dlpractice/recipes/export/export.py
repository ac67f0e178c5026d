"""`dlp export`: a finished run as a file of another runtime, proven before it gets its name."""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from dlpractice.errors import DlpError, ModelError, RunError, WriteError
from dlpractice.models.precision import computing_in
from dlpractice.paths import exists, resolve
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.export.proof import MOST_IMAGES, compare, find_failing, read_images
from dlpractice.recipes.export.usage_note import write_usage
from dlpractice.recipes.export.writers import FORMATS, Source
from dlpractice.recipes.inference.graph_files import INSTALL, measure_bytes
from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.run.model_note import ClassifierNote
from dlpractice.recipes.run.saved_model import load_note, load_saved
from dlpractice.runs.directory import RunDirectory
from dlpractice.whole_files import making_folder, replacing

_SAMPLES = 100


class ExportRefused(Exception):
    """The file was written, and is not good enough; `document` says how it did, `reason` what is wrong."""

    def __init__(self, document: dict[str, Any], reason: str) -> None:
        super().__init__(reason)
        self.document, self.reason = document, reason


def run(
    run: RunDirectory,
    kind: str,
    quantize: str | None = None,
    output: Path | None = None,
    most_lost: float = 0.01,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes the run's classifier as `kind`, a key of FORMATS, and returns how it does beside Keras's.

    Args:
        quantize: one of the format's, or None.
        output: the file, or the folder of a SavedModel; by default in the working folder, named after it.
        most_lost: the share of accuracy that a quantised net may lose, see `proof.find_failing`.

    Raises:
        ExportRefused: it is not good enough; nothing is left at `output`.
        ModelError: the run has no model, the net cannot be converted, or a package is not installed.
        RunError: the format cannot be quantised so, or `output` is there.
        DataError: the run's images are gone.
    """
    progress, chosen = progress or Silent(), FORMATS[kind]
    if quantize is not None and quantize not in chosen.quantizations:
        known = [name for name, row in FORMATS.items() if quantize in row.quantizations]
        raise RunError(f"{chosen.title} is not written as {quantize} here", f"{' and '.join(known)} are")
    suffix = f"-{quantize}" if quantize else ""
    path = output or Path(f"{resolve(run.path).name}{suffix}{chosen.ending or '-savedmodel'}")
    if chosen.ending and path.suffix.lower() != chosen.ending:
        raise RunError(f"{path} does not end in {chosen.ending}", f"name it {path.stem}{chosen.ending}")
    readme = path.with_name(f"{path.name}.md")
    for taken in filter(exists, (path, readme)):
        raise RunError(f"{taken} is there already, and is kept", "give another --output, or remove it")
    saved = load_saved(run)
    note = load_note(run.model_path, ClassifierNote, "dlp finetune")
    if note is None:
        raise ModelError(f"{run.model_path} was made by an earlier version", "train the run again")
    progress.stage("reading images", 1, "step")
    asked = read_images(run, saved, "validation", MOST_IMAGES)
    samples = read_images(run, saved, "train", _SAMPLES).pixels if quantize == "int8" else asked.pixels[:0]
    progress.stage(f"writing {chosen.title}", 1, "step")
    with _place(path, chosen.ending) as new:
        _write(kind, Source(saved, note, run.model_path, samples), new, quantize)
        progress.stage("proving it", 1, "step")
        with computing_in(saved.model, "float32"):
            found = compare(saved.forward(), load_classifier(new).infer, asked)
        document = {
            "path": str(path),
            "format": kind,
            "quantize": quantize,
            "bytes_before": measure_bytes(run.model_path),
            "bytes_after": measure_bytes(new),
            **found,
        }
        if reason := find_failing(found, quantize is not None, most_lost):
            raise ExportRefused(document, reason)
        with replacing(readme) as text:
            write_usage(kind, path.name, note, text)
    return document


def _place(path: Path, ending: str) -> AbstractContextManager[Path]:
    return replacing(path, durable=True) if ending else making_folder(path)


def _write(kind: str, source: Source, new: Path, quantize: str | None) -> None:
    try:
        FORMATS[kind].write(source, new, quantize)
    except ImportError as error:
        raise ModelError(f"to write {FORMATS[kind].title} needs the package {error.name}", INSTALL) from error
    except (DlpError, OSError):
        raise
    except Exception as error:  # each converter has kinds of its own
        if shutil.disk_usage(new.parent).free < measure_bytes(source.file):
            raise WriteError(f"{new.name} cannot be written: the disk is full", "make room on it") from error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"the net cannot be written as {FORMATS[kind].title}: {reason}", "try another format"
        ) from error
