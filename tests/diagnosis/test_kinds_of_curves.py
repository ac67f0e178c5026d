"""The verdict and all findings on made curves of many kinds, healthy and faulty at equal noise.

The runs of others may have any loss: of batches, below zero, with a floor, of another task than classifying.
"""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from dlpractice.diagnosis.record import Record
from dlpractice.diagnosis.verdict import Diagnosis, diagnose

EPOCHS = 60
TIME = np.arange(EPOCHS) / EPOCHS
SHAPES = {
    "exponential": 0.3 + 2 * np.exp(-4 * TIME),
    "power": 2.5 * (EPOCHS * TIME + 1) ** -0.3,
    "fine-tuning": 1.2 - 0.4 * (1 - np.exp(-6 * TIME)),
    "level": np.full(EPOCHS, 1.0),
}
HALF = EPOCHS // 2
DIVERGING = np.r_[np.linspace(2.3, 1, HALF), np.linspace(1, 5, HALF)]
BROKEN = np.r_[SHAPES["exponential"][:HALF], 1.5 * SHAPES["exponential"][:HALF]]
TURNING = 0.5 + 0.8 * np.exp(-8 * TIME) + 1.2 * np.maximum(0, TIME - 1 / 3)


def serious(record: Record) -> set[str]:
    return {finding.name for finding in diagnose(record).worse_than("warning")}


def noise(seed: int, sigma: float) -> np.ndarray:
    return np.exp(sigma * np.random.default_rng([seed, round(100 * sigma)]).normal(size=EPOCHS))


@pytest.mark.parametrize(("sigma", "most"), [(0.3, 2), (0.8, 2), (1.2, 5)])
def test_noise_of_batches_is_no_fault(make: SimpleNamespace, sigma: float, most: int) -> None:
    flagged = 0
    for seed in range(100):
        shape = list(SHAPES.values())[seed % len(SHAPES)]
        curves = {"loss": shape * noise(seed, sigma)}
        if seed % 3 == 1:
            curves["val_loss"] = 1.05 * shape * noise(seed + 1000, 0.02)
        if seed % 3 == 2:
            curves["val_loss"] = 1.05 * shape * noise(seed + 1000, sigma)
        flagged += bool(serious(make.log_of(**curves)))
    assert flagged <= most


@pytest.mark.parametrize(
    ("name", "train", "val", "found"),
    [
        ("learning rate too high", DIVERGING, 1.05 * DIVERGING, {0.3: 20, 0.8: 17}),
        ("learning rate too high", DIVERGING, None, {0.3: 20}),
        ("learning rate too high", BROKEN, BROKEN, {0.3: 20}),
        ("overfitting", SHAPES["exponential"], TURNING, {0.3: 20, 1.2: 17}),
    ],
)
def test_faults_are_seen_in_the_same_noise(
    make: SimpleNamespace, name: str, train: np.ndarray, val: np.ndarray | None, found: dict[float, int]
) -> None:
    for sigma, least in found.items():
        seen = 0
        for seed in range(20):
            curves = {"loss": train * noise(seed, sigma)}
            if val is not None:
                curves["val_loss"] = val * noise(seed + 1000, 0.1)
            seen += name in serious(make.log_of(**curves))
        assert seen >= least, (sigma, seen)


def both_losses(number: int) -> dict[str, np.ndarray]:
    """Healthy, overfit, diverging, swinging, stuck, straight and restarted runs, with a little noise."""
    rng = np.random.default_rng(number)
    fall = SHAPES["exponential"]
    swings = np.where(rng.random(EPOCHS) < 0.4, 1.5, 0.5)
    kinds = [
        (fall, fall + 0.05),
        (fall, TURNING),
        (DIVERGING, DIVERGING),
        (swings, swings),
        (np.linspace(1, -1, EPOCHS), np.linspace(1, -0.8, EPOCHS)),
        (fall, np.full(EPOCHS, 2.6)),
        (BROKEN, BROKEN),
    ]
    train, val = kinds[number]
    off = rng.normal(0, 0.01, (2, EPOCHS))
    return {"loss": train + off[0], "val_loss": val + off[1]}


@pytest.mark.parametrize("number", range(7))
def test_a_loss_may_have_its_zero_anywhere(make: SimpleNamespace, number: int) -> None:
    """-Dice, SI-SNR, similarities and likelihoods are below zero; weight penalties put a constant on top."""
    curves = both_losses(number)
    # What the highest training loss is, and whether a loss is a tenth of another, says where its zero is.
    expected = [(one.name, one.severity) for one in diagnose(make.log_of(**curves)).findings]
    for constant in (-30.0, -1.7, 40.0):
        moved = make.log_of(**{name: values + constant for name, values in curves.items()})
        assert [(one.name, one.severity) for one in diagnose(moved).findings] == expected, constant


def test_what_falls_for_one_sign_rises_for_the_other(make: SimpleNamespace) -> None:
    """1 - x is healthy where x is a score that rises, such as a cosine or a Dice coefficient."""
    score = 0.9 - 0.8 * np.exp(-5 * TIME) + np.random.default_rng(0).normal(0, 0.005, EPOCHS)
    for loss in (1 - score, -score, 20 - 20 * score, -20 * score):
        assert serious(make.log_of(loss=loss, val_loss=loss)) == set()
    worse = make.log_of(loss=score, val_loss=score)
    assert "learning rate too high" in serious(worse)


@pytest.mark.parametrize(
    ("curves", "first"),
    [
        ({"loss": [0.103, *[0.0005] * 6], "accuracy": [0.967, *[1.0] * 6]}, None),
        ({"loss": np.linspace(0.08, 0.07, 7), "accuracy": np.linspace(0.975, 0.978, 7)}, None),
        ({"loss": [0.0] * 10, "accuracy": [0.1] * 10}, "loss cannot be right"),
        ({"loss": [1.192e-7] * 8, "accuracy": [0.33] * 8}, "loss cannot be right"),
        ({"loss": np.r_[-55.02, np.full(9, -55.03)], "accuracy": [0.114] * 10}, "loss cannot be right"),
    ],
)
def test_near_the_optimum_and_at_nothing(make: SimpleNamespace, curves: dict, first: str | None) -> None:
    both = curves | {f"val_{name}": values for name, values in curves.items()}
    found = diagnose(make.log_of(**both)).worse_than("warning")
    assert (found[0].name if found else None) == first


@pytest.mark.parametrize(
    "loss",
    [
        3.0 + 11 * np.exp(-np.arange(40) / 3) - 0.004 * np.arange(40),
        4.7 - 0.8 * (1 - 1 / np.sqrt(np.arange(1, 13))),
        np.linspace(3.4, 3.1, 30),
        100 + np.linspace(1, 0, 30),
    ],
)
def test_losses_with_a_floor_are_no_low_rate(make: SimpleNamespace, loss: np.ndarray) -> None:
    assert serious(make.log_of(loss=loss, val_loss=loss + 0.1)) == set()


def test_a_rising_validation_loss_says_that_the_rate_was_high_enough(make: SimpleNamespace) -> None:
    record = make.log_of(
        loss=[0.6807, 0.6693, 0.6678, 0.6485, 0.6175, 0.586, 0.5521],
        val_loss=[0.677, 0.6765, 0.6789, 0.6913, 0.7101, 0.7268, 0.7586],
    )
    assert "learning rate too low" not in {finding.name for finding in diagnose(record).findings}
    assert diagnose(record).verdict.startswith("Overfitting")


@pytest.mark.parametrize("classes", [2, 3, 10, 37])
def test_guessing_is_seen_from_the_curves(make: SimpleNamespace, classes: int) -> None:
    rng = np.random.default_rng(classes)
    jitter = rng.normal(0, 1, (4, 100))
    losses = {
        "loss": math.log(classes) + 5e-4 * jitter[0],
        "val_loss": math.log(classes) * 1.002 + 5e-4 * jitter[1],
    }
    accuracies = {
        "accuracy": 1.1 / classes + 0.01 / classes * jitter[2],
        "val_accuracy": 1 / classes + 0.05 / classes * jitter[3],
    }
    for curves in (losses | accuracies, *([losses] if classes <= 10 else [])):
        found = diagnose(make.log_of(**curves))
        assert found.verdict.lower().removeprefix("probably ").startswith("accuracy at chance")
        assert "underfitting" not in {finding.name for finding in found.findings}
        assert "nothing was learnt there either" in found.findings[0].evidence[-1]
    learnt = losses | accuracies | {"loss": SHAPES["exponential"], "accuracy": 1 - SHAPES["exponential"] / 3}
    record = make.log_of(**learnt)
    assert "learnt by heart" in diagnose(record).findings[0].evidence[-1]
    assert diagnose(make.log_of(**losses), classes=classes).findings[0].name == "accuracy at chance"
    assert diagnose(make.log_of(**losses), classes=2 * classes).findings == ()


def test_the_commonest_answer_is_seen_from_the_curves(make: SimpleNamespace) -> None:
    rng = np.random.default_rng(0)
    stuck = {name: 0.1985 + rng.normal(0, 3e-4, 15) for name in ("loss", "val_loss")}
    stuck |= {"accuracy": np.full(15, 0.95), "val_accuracy": np.full(15, 0.951)}
    assert "one answer was always given" in diagnose(make.log_of(**stuck)).verdict
    learns = stuck | {"loss": np.linspace(0.5, 0.1985, 15), "accuracy": np.linspace(0.7, 0.95, 15)}
    assert serious(make.log_of(**learns)) == set()


def test_a_gap_between_the_losses_is_told(make: SimpleNamespace) -> None:
    fall = make.fall(2.6, 0.19, 30)
    found = diagnose(make.log_of(loss=fall, val_loss=np.full(30, 2.8)))
    assert found.verdict.startswith("Probably validation far above training")
    high = make.log_of(loss=np.linspace(0.08, 0.07, 7), val_loss=[14.2, 8, 8, 13.9, 20.3, 8.9, 13])
    assert "not be measured on like data" in diagnose(high).findings[0].evidence[-1]
    assert diagnose(make.log_of(loss=fall, val_loss=fall + 0.2)).findings == ()


def test_a_jump_of_validation_is_told(make: SimpleNamespace) -> None:
    val = make.fall(2.3, 0.4, 30)
    val[17] = 9
    (finding,) = diagnose(make.log_of(loss=make.fall(2.3, 0.3, 30), val_loss=val)).findings
    assert finding.evidence == ("the validation loss stands far above its neighbours once at epoch 18: 9",)


def test_restarts_of_the_rate_are_no_instability(make: SimpleNamespace) -> None:
    cycle, start = np.tile(np.arange(10), 5), np.repeat([1.0, 0.75, 0.55, 0.4, 0.3], 10)
    rates = 0.005 * (1 + np.cos(np.pi * cycle / 10)) + 1e-4
    loss = start * (1 - 0.07 * cycle) + np.random.default_rng(0).normal(0, 0.003, 50)
    curves = {"loss": loss, "val_loss": loss + 0.02}
    assert serious(make.log_of(**curves, learning_rate=rates)) == set()
    assert serious(make.log_of(**curves, learning_rate=np.full(50, 0.01))) == {"learning rate too high"}


def test_an_accuracy_of_predicted_numbers_says_nothing(make: SimpleNamespace) -> None:
    curves = {"loss": make.fall(4.0, 0.3), "val_loss": make.fall(4.0, 0.4), "accuracy": np.full(30, 0.004)}
    found = diagnose(make.log_of(**curves, val_accuracy=np.full(30, 0.003)))
    assert "numbers seem to be predicted" in found.findings[0].evidence[0]
    assert found.worse_than("warning") == []
    classes = make.log_of(**curves | {"accuracy": make.fall(0.1, 0.9), "val_accuracy": make.fall(0.1, 0.85)})
    assert diagnose(classes).findings == ()
    cheap = make.log_of(loss=make.fall(0.7, 0.016), accuracy=np.linspace(0.1, 0.48, 30))
    assert "0.36 at least" in diagnose(cheap).findings[0].evidence[0]


def cases(make: SimpleNamespace) -> list[Diagnosis]:
    """Every kind of curve in this file, and runs of ours."""
    found = [diagnose(make.log_of(**both_losses(number))) for number in range(7)]
    for val in (0.99, 0.9, 0.7, 0.5):
        for train in (0.995, 0.8, 0.6, 0.5):
            for images in (20, 1000):
                rows = make.split_rows(train=images, validation=images)
                found += [diagnose(make.run_of(train, val, rows=rows), target) for target in (None, 0.01)]
    return found


def test_sentences_agree_with_findings_and_numbers(make: SimpleNamespace) -> None:
    praise = re.compile("Nothing wrong|Done")
    for found in cases(make):
        names = {finding.name for finding in found.findings}
        if praise.match(found.verdict):
            assert names <= {"still improving", "validation too small", "worst mistakes"}, found.verdict
        for finding in found.findings:
            for text in finding.evidence:
                for start, end in re.findall(r"training loss went from (\S+) to ([-0-9.e+]+[0-9])", text):
                    losses = found.record.curves["loss"].values
                    assert float(start) == pytest.approx(float(start), abs=0) and finding.name
                    assert min(losses) - 0.1 <= float(end) <= max(losses) + 0.1
                    assert finding.name != "overfitting" or float(end) <= float(start) + 0.1
                    assert not ("learnt by heart" in text and float(end) > float(start))


@pytest.mark.parametrize("images", [16, 60])
def test_few_validation_images_are_named_first(make: SimpleNamespace, images: int) -> None:
    rows = make.split_rows(train=400, validation=images)
    verdict = diagnose(make.run_of(1.0, 1.0 if images < 20 else 0.95, rows=rows)).verdict
    assert verdict.startswith("Too little validation to tell")
    assert f"{images} validation examples leave a validation error of" in verdict
