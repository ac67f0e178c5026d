"""The classifier of a run of `dlp finetune`, to be exported."""

from pathlib import Path
from typing import Any

from dlpractice.errors import ModelError
from dlpractice.models.precision import computing_in
from dlpractice.recipes.export.proof import MOST_IMAGES, compare, read_images
from dlpractice.recipes.export.subject import README, Subject, write_text
from dlpractice.recipes.export.usage_note import describe_classifier
from dlpractice.recipes.export.writers import SAMPLES, Source
from dlpractice.recipes.inference.trained_classifier import load_classifier
from dlpractice.recipes.run.model_note import ClassifierNote
from dlpractice.recipes.run.saved_model import load_note, load_saved
from dlpractice.runs.directory import RunDirectory


def prepare_classifier(run: RunDirectory, kind: str, name: str, with_samples: bool) -> Subject:
    """The run's classifier, to be written as `kind` under `name`, and its validation images, read from files.

    with_samples: whether training images are needed too.

    Raises:
        ModelError: the run has no model, or one of an earlier version.
        DataError: the run's images are gone.
    """
    saved = load_saved(run)
    note = load_note(run.model_path, ClassifierNote, "dlp finetune")
    if note is None:
        raise ModelError(f"{run.model_path} was made by an earlier version", "train the run again")
    asked = read_images(run, saved, "validation", MOST_IMAGES)
    samples = read_images(run, saved, "train", SAMPLES).pixels if with_samples else asked.pixels[:0]

    def prove(path: Path) -> dict[str, Any]:
        with computing_in(saved.model, "float32"):
            return compare(saved.forward(), load_classifier(path).infer, asked)

    return Subject(
        Source(saved.model, note, note.class_names, samples),
        prove,
        {README: write_text(describe_classifier(kind, name, note))},
    )
