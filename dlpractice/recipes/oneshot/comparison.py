"""`dlp oneshot --compare` and `--seeds`: methods, baselines and published figures on the same tasks."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlpractice.config.commands.oneshot import BASELINES
from dlpractice.config.schema import Oneshot
from dlpractice.data.oneshot.class_split import ClassSplit
from dlpractice.evaluation.baselines import affine, hausdorff, nearest
from dlpractice.evaluation.oneshot_tasks import Scorer, answer
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.oneshot import oneshot
from dlpractice.recipes.oneshot.published import PUBLISHED_ONESHOT
from dlpractice.recipes.oneshot.results import ORDER_SEED, Protocol, describe_answers, plan_protocols
from dlpractice.recipes.oneshot.setup import read_classes
from dlpractice.recipes.run.continuation import agree_on_precision
from dlpractice.recipes.run.member_runs import train_members
from dlpractice.runs.answers import read_mean_answers
from dlpractice.runs.comparison_folder import Comparison

Row = dict[str, Any]


@dataclass(frozen=True)
class Baseline:
    """A method without training. tasks: how many tasks of a protocol it is asked at most, drawn at random;
    the slow ones would take hours for thousands."""

    about: str
    make_scorer: Callable[[Any], Scorer]
    tasks: int


UNTRAINED = {
    "nearest-neighbour": Baseline("Euclidean distance of pixels", nearest.make_scorer, 4000),
    "hausdorff": Baseline("modified Hausdorff distance of the ink", hausdorff.make_scorer, 40),
    "affine": Baseline("distance after the best affine warp", affine.make_scorer, 20),
}


def run(
    config: Oneshot,
    methods: Sequence[str],
    seeds: int,
    comparison: Comparison,
    progress: Progress | None = None,
    draw: oneshot.Draw | None = None,
) -> dict[str, Any]:
    """Trains every method with `seeds` seeds, from the config's on, asks the baselines, and writes the table;
    finished runs are kept.

    Returns what comparison.json holds. Raises DlpError as `oneshot.run` does.
    """
    progress = progress or Silent()
    trained = [name for name in methods if name not in BASELINES]
    auto = (
        agree_on_precision(config.hardware.precision, config.hardware.devices, comparison)
        if trained
        else None
    )
    span = range(config.seed, config.seed + seeds)
    train_members(
        {name: config.for_method(name) for name in trained},
        span,
        comparison,
        lambda method, run: oneshot.run(method, run, progress, auto, draw),
        progress,
    )
    rows = [tabulate_runs(config.for_method(name), span, comparison) for name in trained]
    class_split = read_classes(config, progress)
    headline = plan_protocols(class_split)[0].name
    rows += ask_baselines([name for name in methods if name in BASELINES], class_split, progress)
    rows += list_published(config.data.source, headline)
    table = {"command": "oneshot", "data": config.data.source, "protocol": headline, "rows": rows}
    comparison.write_table(table)
    return table


def tabulate_runs(config: Oneshot, seeds: Sequence[int], comparison: Comparison) -> Row:
    """The row of one method over its seeds."""
    runs = comparison.members(config.method, seeds)
    summaries = [member.summary() for member in runs]
    names = list(summaries[0]["results"])
    results = {name: _merge([summary["results"][name] for summary in summaries]) for name in names}
    # The runs kept their answers to the first protocol: its interval is that of each query's mean over seeds.
    results[names[0]]["ci95"] = list(read_mean_answers(runs, "test").accuracy().ci95)
    return {
        "method": config.method,
        "about": f"{config.encoder.name} encoder, {config.objective.name}",
        "kind": "measured",
        "source": "",
        "seeds": list(seeds),
        "results": results,
        "seconds": float(np.mean([summary["seconds"] for summary in summaries])),
        "runs": [str(member.path.relative_to(comparison.path)) for member in runs],
    }


def _merge(measures: Sequence[Row]) -> Row:
    """The mean over seeds; its interval reaches from the lowest end of theirs to the highest."""
    merged = dict(measures[0])
    for key in ("value", "errors", "auc", "eer"):
        if key in merged:
            merged[key] = float(np.mean([measure[key] for measure in measures]))
    bounds = np.array([measure["ci95"] for measure in measures], np.float64)
    merged["ci95"] = [float(bounds[:, 0].min()), float(bounds[:, 1].max())]
    if len(measures) > 1:
        merged["std_over_seeds"] = float(np.std([measure["value"] for measure in measures], ddof=1))
    return merged


def ask_baselines(names: Sequence[str], class_split: ClassSplit, progress: Progress) -> Iterator[Row]:
    """The rows of methods without training, on the headline protocol and on real digits."""
    protocols = [
        protocol
        for place, protocol in enumerate(plan_protocols(class_split))
        if place == 0 or protocol.name.startswith("digits")
    ]
    for name in names:
        baseline, started = UNTRAINED[name], time.perf_counter()
        progress.stage(f"asking {name}", len(protocols), "protocols")
        results = {}
        for protocol in protocols:
            results[protocol.name] = _ask(baseline, protocol)
            progress.advance()
        yield {
            "method": name,
            "about": baseline.about,
            "kind": "measured",
            "source": "",
            "seeds": [],
            "results": results,
            "seconds": time.perf_counter() - started,
            "runs": [],
        }


def _ask(baseline: Baseline, protocol: Protocol) -> Row:
    tasks = protocol.tasks
    if len(tasks) > baseline.tasks:
        drawn = np.random.default_rng(ORDER_SEED).permutation(len(tasks))[: baseline.tasks]
        tasks = tuple(tasks[number] for number in np.sort(drawn))
    answers = answer(tasks, baseline.make_scorer(protocol.examples.pixels), ORDER_SEED)
    return describe_answers(answers, protocol.examples)


def list_published(source: str, headline: str) -> Iterator[Row]:
    """The rows of what others have published on the headline protocol of a data set."""
    for entry in PUBLISHED_ONESHOT.get(source, {}).get(headline, ()):
        yield {
            "method": entry.method,
            "about": "",
            "kind": "published",
            "source": entry.source,
            "seeds": [],
            "results": {
                headline: {"value": entry.value, "ci95": None, "n": 400, "kind": "published"},
            },
            "seconds": None,
            "runs": [],
        }
