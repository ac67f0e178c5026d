"""`dlp export`: a finished run as a file of another runtime, proven before it gets its name."""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from dlpractice.errors import DlpError, ModelError, RunError, WriteError
from dlpractice.paths import exists, is_folder, resolve
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.export.classifier_subject import prepare_classifier
from dlpractice.recipes.export.encoder_subject import INDEX, prepare_encoder
from dlpractice.recipes.export.proof import find_failing
from dlpractice.recipes.export.subject import README, Subject
from dlpractice.recipes.export.writers import FORMATS, Source
from dlpractice.recipes.inference.graph_files import INSTALL, measure_bytes
from dlpractice.runs.directory import RunDirectory
from dlpractice.whole_files import making_folder, replacing
from dlpractice.write_failures import OF_DISKS, translating


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
    *,
    support: Path | None = None,
    index: Path | None = None,
) -> dict[str, Any]:
    """Writes the run's net as `kind`, a key of FORMATS, and returns how it does beside Keras's.

    It is the whole net of a classifier, and the encoder of a one-shot run, with an index of the classes of
    `support` or `index`.

    Args:
        quantize: one of the format's, or None.
        output: the file, or the folder of a SavedModel; by default in the working folder, named after it.
        most_lost: the share of accuracy that a quantised net may lose, see `proof.find_failing`.
        support, index: the classes that an encoder is to know, see `prepare_encoder`; one of them at most.

    Raises:
        ExportRefused: it is not good enough; nothing is left at `output`.
        ModelError: the run has no model, the net cannot be converted, or a package is not installed.
        RunError: the format cannot be quantised so, `output` is there or its folder is not, or a classifier
            is given classes.
        DataError: the run's images are gone, or classes cannot be enrolled.
        WriteError: a file cannot be written; none is left.
    """
    progress, chosen = progress or Silent(), FORMATS[kind]
    if quantize is not None and quantize not in chosen.quantizations:
        known = [name for name, row in FORMATS.items() if quantize in row.quantizations]
        raise RunError(f"{chosen.title} is not written as {quantize} here", f"{' and '.join(known)} are")
    suffix = f"-{quantize}" if quantize else ""
    path = output or Path(f"{resolve(run.path).name}{suffix}{chosen.ending or '-savedmodel'}")
    _refuse_place(path, chosen.ending)
    with ExitStack() as places:
        # What is opened last gets its name first, and the net is the last.
        new = places.enter_context(_place(path, chosen.ending))
        progress.stage("reading images", 1, "step")
        subject = _prepare(run, kind, path.name, quantize == "int8", support, index)
        progress.stage(f"writing {chosen.title}", 1, "step")
        try:
            _write(kind, subject.source, new, quantize)
        except WriteError as error:  # which names a place that is gone by now
            raise WriteError(error.message.replace(str(new), str(path)), error.hint) from error
        progress.stage("proving it", 1, "step")
        document = {
            "path": str(path),
            "format": kind,
            "quantize": quantize,
            "bytes_before": measure_bytes(run.model_path),
            "bytes_after": measure_bytes(new),
            **subject.prove(new),
        }
        if reason := find_failing(document, quantize is not None, most_lost):
            raise ExportRefused(document, reason)
        for ending, write in subject.beside.items():
            write(places.enter_context(replacing(_beside(path, ending))))
    return document


def _refuse_place(path: Path, ending: str) -> None:
    """Raises RunError for a place where the net, and what stands beside it, cannot be written."""
    if ending and path.suffix.lower() != ending:
        raise RunError(f"{path} does not end in {ending}", f"name it {path.stem}{ending}")
    for taken in filter(exists, (path, *(_beside(path, other) for other in (README, INDEX)))):
        raise RunError(f"{taken} is there already, and is kept", "give another --output, or remove it")
    if not is_folder(path.parent):
        raise RunError(
            f"there is no folder {path.parent} to write {path.name} to", "make it, or name another"
        )


def _prepare(
    run: RunDirectory, kind: str, name: str, with_samples: bool, support: Path | None, index: Path | None
) -> Subject:
    if run.config_tree().get("command") == "oneshot":
        return prepare_encoder(run, kind, name, with_samples, support, index)
    if support or index:
        raise RunError(
            f"{run.path} is a classifier, which knows its classes: it takes no examples",
            "leave out --support and --index, or name a run of `dlp oneshot`",
        )
    return prepare_classifier(run, kind, name, with_samples)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _place(path: Path, ending: str) -> AbstractContextManager[Path]:
    return replacing(path, durable=True) if ending else making_folder(path)


def _write(kind: str, source: Source, new: Path, quantize: str | None) -> None:
    try:
        with translating(new, OF_DISKS):
            FORMATS[kind].write(source, new, quantize)
    except ImportError as error:
        raise ModelError(f"to write {FORMATS[kind].title} needs the package {error.name}", INSTALL) from error
    except (DlpError, OSError):
        raise
    except Exception as error:  # each converter has kinds of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"the net cannot be written as {FORMATS[kind].title}: {reason}", "try another format"
        ) from error
