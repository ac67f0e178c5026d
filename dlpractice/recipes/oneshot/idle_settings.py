"""What of a one-shot config changes nothing in a run."""

from collections import Counter
from collections.abc import Iterator

from dlpractice.config.schema import Oneshot
from dlpractice.data.audit.drawings_audit import DRAWINGS
from dlpractice.data.files.index_items import RECORDINGS
from dlpractice.recipes.oneshot.setup import OneshotSetup
from dlpractice.recipes.run.idle_settings import Idle, Round, find_idle_memory, find_idle_training, tell_idle

_FILES = ("data.validation", "data.evaluation", "data.drawer_pattern", "data.on_bad_image", "data.resize")


def list_idle_settings(config: Oneshot, setup: OneshotSetup) -> list[str]:
    """A message for each setting that the config has, and that has no effect on these data or this net."""
    training = config.training
    idle = (
        *_find_in_data(config, setup),
        *_find_in_net(config, setup),
        *_find_in_batch(config, setup),
        *find_idle_memory(setup.placement),
        *find_idle_training(training, [Round(training.epochs)], training.epoch_steps),
    )
    return tell_idle(config, idle)


def _find_in_data(config: Oneshot, setup: OneshotSetup) -> Iterator[Idle]:
    data = config.data
    source = f"data.source is {data.source}" if data.source in DRAWINGS else "data.source is a folder"
    if data.source in DRAWINGS:
        yield Idle(_FILES, f"{source}, whose drawings are read and divided in a way of their own")
    elif RECORDINGS.fits(setup.class_split.evaluation.paths[0]):
        yield Idle(("data.resize", "data.background"), "recordings become squares without them")
    if data.source != "omniglot":
        yield Idle(("data.split",), f"{source}, and it is for omniglot")
    if data.source not in DRAWINGS:
        yield Idle(
            ("data.validation_alphabets", "data.evaluation_alphabets"), f"{source}, whose shares count"
        )
    if data.source == "omniglot":
        yield Idle(("data.evaluation_alphabets",), f"{source}, which has alphabets for the test")
        if data.split == "vinyals":
            yield Idle(("data.validation_alphabets",), "data.split is vinyals, which has its own")


def _find_in_net(config: Oneshot, setup: OneshotSetup) -> Iterator[Idle]:
    taken = setup.objective.settings
    others = tuple(f"objective.{name}" for name in setup.settings if name not in taken)
    yield Idle(others, f"{config.objective.name} takes {' and '.join(taken) or 'no setting'}")
    if config.distortion.changes_nothing:
        yield Idle(("distortion.probability",), "no distortion is above 0")
        yield Idle(("evaluation.views",), "undistorted views are all the same")


def _find_in_batch(config: Oneshot, setup: OneshotSetup) -> Iterator[Idle]:
    background = setup.class_split.background
    firsts = [members[0] for members in background.by_class().values()]
    sizes = Counter(background.alphabets[firsts].tolist())
    for name, most, things in (
        ("alphabets", len(sizes), "alphabets"),
        ("classes", max(sizes.values()), "classes of an alphabet"),
    ):
        if getattr(config.batch, name) > most:
            yield Idle((f"batch.{name}",), f"above {most}: there are no more {things} to train on")
