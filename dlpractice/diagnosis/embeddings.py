"""Rules for one-shot runs."""

import math

from dlpractice.diagnosis.case import Case
from dlpractice.diagnosis.finding import Sign
from dlpractice.diagnosis.remedies import lower_rate, regularise
from dlpractice.diagnosis.rule import Rule, Threshold
from dlpractice.runs.listing import headline

HARDER = Threshold("lower end of validation minus evaluation", 0.05, "chosen: five points")
COLLAPSED = Threshold("area under the curve of pairs", 0.6, "0.5 is guessing")
ASYMMETRY = Threshold(
    "difference of s(a, b) and s(b, a), share of the spread", 1e-3, "rounding is below 1e-4"
)


def see_easier_validation(case: Case) -> Sign | None:
    """Validation tasks that are answered far better than evaluation tasks."""
    results = (case.run.summary or {}).get("results") or {}
    name = headline(results)
    validation, evaluation = results.get("val_accuracy"), results.get(name)
    if not validation or not evaluation:
        return None
    spread = math.hypot(
        validation["value"] - validation["ci95"][0], evaluation["ci95"][1] - evaluation["value"]
    )
    ahead = validation["value"] - evaluation["value"]
    if ahead - spread < HARDER.value:
        return None
    text = (
        f"{validation['value']:.1%} on validation tasks, {evaluation['value']:.1%} on {name}: "
        f"{100 * ahead:.1f} points, at least {100 * (ahead - spread):.1f}"
    )
    return Sign("warning", "medium", (text,), regularise(case.run), "val_accuracy")


def see_collapse(case: Case) -> Sign | None:
    """An embedding that tells no pair from another."""
    pairs = ((case.run.summary or {}).get("results") or {}).get("verification")
    if not pairs or pairs.get("auc") is None or pairs["auc"] > COLLAPSED.value:
        return None
    text = f"pairs of the same and of different classes are told apart with an area of {pairs['auc']:.2f}"
    return Sign("error", "high", (text,), lower_rate(case.run, 0.05), "loss")


def see_asymmetry(case: Case) -> Sign | None:
    """A similarity that depends on which of two images comes first."""
    output = ((case.run.diagnostics or {}).get("start") or {}).get("output") or {}
    similarity = output.get("similarity")
    if not similarity or similarity["asymmetry"] <= ASYMMETRY.value * similarity["spread"]:
        return None
    text = f"s(a, b) and s(b, a) differ by up to {similarity['asymmetry']:.2g}"
    return Sign("error", "high", (text,))


EMBEDDINGS = (
    Rule(
        "embedding collapsed",
        "All images are given about the same place: no pair is told from another.",
        ("a one-shot run", "summary.json"),
        (COLLAPSED,),
        "a learning rate that is too high, a margin that is never met, labels that are mixed up",
        "a lower learning rate, or another objective",
        see_collapse,
    ),
    Rule(
        "similarity not symmetric",
        "The score of two images depends on their order.",
        ("a one-shot run", "diagnostics.json (training.diagnostics: true)"),
        (ASYMMETRY,),
        "two encoders that do not share their weights, dropout while scoring",
        "share the weights; score without dropout",
        see_asymmetry,
    ),
    Rule(
        "validation easier than evaluation",
        "Validation tasks promise more than unseen alphabets keep.",
        ("a one-shot run", "summary.json"),
        (HARDER,),
        "validation alphabets like those of training, too few of them",
        "more training alphabets, generated ones too; other validation alphabets",
        see_easier_validation,
    ),
)
