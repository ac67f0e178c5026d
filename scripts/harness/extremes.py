"""Numbers at the edge: not finite, too large for half precision; one image, a thousand classes."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from harness.case import ERROR, INTERNAL, WENT_ON, Case, Outcome
from harness.commands import make_weights
from harness.program import run, start
from harness.samples import link_all, write_images

_HEAD = ("finetune", "finetune.yaml", "strategy=head")
_SCRATCH = ("finetune", "finetune.yaml", "strategy=scratch")
_ONESHOT = ("oneshot", "oneshot.yaml")
_SGD = ("training.optimizer=sgd", "training.learning_rate=10")

Images = Mapping[str, int]


def _fill_weights(value: float, file: Path) -> None:
    import keras

    net = keras.applications.TinyNet(keras.Input((16, 16, 3)), include_top=False, weights=None)
    net.set_weights([np.full(weight.shape, value, np.float32) for weight in net.get_weights()])
    net.save_weights(file)


def _train(
    samples: Path, arguments: tuple[str, ...], images: Images | None, said: str, after: bool, folder: Path
) -> Outcome:
    """Trains, and judges and uses the run if there is one.

    images: numbers for `write_images`, where the sample's will not do.
    said: what the messages hold if it went on.
    """
    link_all(folder, samples)
    more = []
    if images is not None:
        write_images(folder / "own", **images)
        more.append("data.source=own")
    ended = run(folder, (*arguments, *more, "--run-dir", "run"))
    if ended.status != 0:
        return ended.judge()
    if said not in ended.messages:
        return Outcome(INTERNAL, f"does not say {said}: {ended.messages[-200:]}")
    for use in (("diagnose", "run"), ("predict", "run", "images")) if after else ():
        used = run(folder, use)
        if used.status != 0 and (judged := used.judge()).what != ERROR:
            return Outcome(judged.what, f"{use[0]}: {judged.detail}")
    return Outcome(WENT_ON, next((line for line in ended.messages.splitlines() if "warn" in line), ""))


def _weights(samples: Path, value: float) -> str:
    file = samples.parent / f"{value}.weights.h5"
    if not file.exists():
        place = samples.parent / "work" / "weights"
        ended = start(place, (), action=partial(_fill_weights, value, file)).wait()
        assert ended.status == 0, ended.messages
    return f"model.weights={file}"


def _list_runs(samples: Path) -> Iterator[tuple[str, str, tuple[str, ...], Images | None, str]]:
    """kind, name, arguments, images, what is said."""
    pretrained = f"model.weights={make_weights(samples)}"
    for name, value in (("NaN", np.nan), ("infinity", np.inf), ("1e30", 1e30), ("0", 0.0)):
        for precision in ("float32", "float16", "bfloat16"):
            options = (_weights(samples, value), f"hardware.precision={precision}")
            yield "weights that are no weights", f"{name} in {precision}", (*_HEAD, *options), None, ""
    for strategy in (
        _SCRATCH,
        (*_HEAD, pretrained),
        ("finetune", "finetune.yaml", "strategy=full", pretrained),
    ):
        for precision in ("float32", "float16", "bfloat16"):
            options = (*_SGD, "training.epochs=8", f"hardware.precision={precision}")
            yield "a rate of 10", f"{strategy[2]} in {precision}", (*strategy, *options), None, ""
    yield "a rate of 10", "oneshot", (*_ONESHOT, *_SGD), None, ""
    for rate in ("1e30", "inf", "nan", "-1", "0", "1e-320", "1" + "0" * 400):
        for command in (_SCRATCH, _ONESHOT):
            name = f"{command[0]}, {rate[:10]}"
            yield "rates that are none", name, (*command, f"training.learning_rate={rate}"), None, ""
    for batch in (1, 4096):
        for strategy in (_SCRATCH, (*_HEAD, pretrained)):
            name = f"{strategy[2]}, batches of {batch}"
            yield (
                "batches of one, or above the data",
                name,
                (*strategy, f"training.batch_size={batch}"),
                None,
                "",
            )
    large = ("batch.classes=512", "batch.alphabets=64")
    yield "batches of one, or above the data", "oneshot, large batches", (*_ONESHOT, *large), None, ""
    for classes, per_class in ((1, 20), (2, 1), (2, 2), (2, 3), (3, 4), (20, 5)):
        numbers = {"classes": classes, "per_class": per_class}
        yield "few images", f"{classes} classes of {per_class}", _SCRATCH, numbers, ""
    few = {"classes": 2, "per_class": 1}
    yield "few images", "oneshot, 2 classes of 1", _ONESHOT, few, ""
    yield "few images", "oneshot, 30 classes of 1", _ONESHOT, {"classes": 30, "per_class": 1}, ""
    many = {"classes": 1000, "per_class": 4, "side": 8}
    yield (
        "1,000 classes",
        "head",
        (*_HEAD, pretrained, "training.epochs=1", "training.batch_size=64"),
        many,
        "",
    )
    yield "1,000 classes", "oneshot", (*_ONESHOT, "training.epochs=1"), many, ""
    tiny = {"classes": 2, "per_class": 10, "side": 1}
    yield "images of one pixel", "scratch", _SCRATCH, tiny, ""
    yield "images of one pixel", "oneshot", _ONESHOT, {"classes": 30, "per_class": 3, "side": 1}, ""
    small = ("data.fraction=1e-9",)
    yield "few images", "a fraction of 1e-9", (*_SCRATCH, *small), None, ""


def list_cases(samples: Path, seed: int, *, short: bool) -> Iterator[Case]:
    """Each run is trained, and if it went on also judged by `diagnose` and used by `predict`."""
    for kind, name, arguments, images, said in _list_runs(samples):
        if not short or name in ("finetune, 1e30", "2 classes of 1"):
            go = partial(_train, samples, arguments, images, said, not short)
            yield Case(kind, f"{kind}, {name}", (WENT_ON, ERROR), go)
