"""`dlp finetune`: trains one strategy, compares several, sweeps or searches settings, or cross-validates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dlpractice.cli import training_session
from dlpractice.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dlpractice.runs.directory import RunDirectory

_COMPARE = "Strategies to train on the same split and set side by side, separated by commas."
_REHEARSAL = "dlpractice.recipes.finetune.rehearsal"
_SWEEP = (
    "A key of the config and the values to train with, such as model.width=0.5,1,2; repeat it for several "
    "keys, and every combination is trained."
)
_SEARCH = (
    "How many settings to try, drawn by Optuna over what --over names; the best is then trained and tested."
)
_OVER = (
    "With --search: a key and its range or values, such as training.learning_rate=1e-4..1e-1:log, "
    "model.dropout=0..0.7 or strategy=head,scratch; may be repeated."
)
_FOLDS = (
    "Cross-validation for small data: train a net for each of K parts of all images, which tests it; the "
    "nets together are the model."
)


def finetune(
    config: training_session.Name,
    overrides: training_session.Overrides = None,
    compare: Annotated[str, typer.Option(help=_COMPARE)] = "",
    sweep: Annotated[list[str] | None, typer.Option(metavar="KEY=V,V,...", help=_SWEEP)] = None,
    search: Annotated[int | None, typer.Option(min=1, max=10_000, metavar="N", help=_SEARCH)] = None,
    over: Annotated[list[str] | None, typer.Option(metavar="KEY=LOW..HIGH", help=_OVER)] = None,
    folds: Annotated[int | None, typer.Option(metavar="K", help=_FOLDS)] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Seeds to train each strategy, value or choice with.")
    ] = 1,
    run_dir: training_session.RunDir = None,
    resume: training_session.Resume = False,
    dry_run: training_session.DryRun = False,
    as_json: training_session.AsJson = False,
) -> None:
    """Train an image classifier from a pretrained one."""
    ways = {
        "--compare": bool(compare),
        "--sweep": bool(sweep),
        "--search": search is not None,
        "--folds": folds is not None,
    }
    _refuse_together(ways)
    if folds is not None and seeds > 1:
        raise ConfigError("--folds goes without --seeds", "how much nets differ is seen from fold to fold")
    if over and search is None:
        raise ConfigError("--over says what --search tries", "add --search and how many settings to try")
    folder = training_session.choose_folder("finetune", config, run_dir, resume)
    session = training_session.Session(folder, resume, as_json)
    if sweep:
        _sweep(session, config, overrides or [], sweep, seeds, dry_run)
    elif search is not None:
        _search(session, config, overrides or [], search, over or [], seeds, dry_run)
    elif folds is not None:
        _cross_validate(session, config, overrides or [], folds, dry_run)
    else:
        _train(session, config, overrides or [], training_session.split_names(compare), seeds, dry_run)


def _refuse_together(given: dict[str, bool]) -> None:
    """Raises ConfigError where two ways of training several runs are asked for at once."""
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise ConfigError(f"{names[0]} goes without {names[1]}", "ask for one of them at a time")


def _train(
    session: training_session.Session,
    config: str,
    overrides: list[str],
    compared: list[str],
    seeds: int,
    dry_run: bool,
) -> None:
    """Trains the config's strategy, or compares several or several seeds."""
    from dlpractice.config.load import load_config

    loaded = load_config(config, overrides, "finetune")
    strategies = compared or [loaded.strategy]
    training_session.refuse_twice(strategies)
    configs = {name: loaded.for_strategy(name) for name in strategies}
    kind: Literal["comparison", "run"] = "comparison" if compared or seeds > 1 else "run"
    if dry_run:
        session.rehearse(_REHEARSAL, configs, seeds, kind)
    elif kind == "comparison":
        from dlpractice.report.figures import comparison_figure
        from dlpractice.report.result_tables import comparison_table

        recipe, arguments = "dlpractice.recipes.finetune.comparison", (loaded, strategies, seeds)
        session.run_group(kind, recipe, arguments, comparison_table, comparison_figure)
    else:
        own = configs[loaded.strategy]
        session.run("dlpractice.recipes.finetune.finetune", own, partial(_show_run, session), draw=_draw)


def _show_run(session: training_session.Session, summary: dict[str, Any]) -> RenderableType:
    """The results of a run, below the evidence for what it chose, if it chose."""
    from rich.console import Group

    from dlpractice.report.choice_tables import choice_table
    from dlpractice.report.result_tables import summary_table
    from dlpractice.runs.directory import RunDirectory

    choice = RunDirectory.read(session.folder).choice()
    return Group(choice_table(choice), summary_table(summary)) if choice else summary_table(summary)


def _draw(run: RunDirectory, summary: dict[str, Any]) -> None:
    """Draws how far the run's confidence is right, and the evidence for what it chose and for its learning
    rate, as PNG files in its folder."""
    from dlpractice.report.choice_tables import choice_figure
    from dlpractice.report.classifier_figures import reliability_figure
    from dlpractice.report.figures import range_figure
    from dlpractice.runs.rate_range import read_range

    if calibration := summary.get("calibration"):
        reliability_figure(calibration, run.figure_path("reliability"))
    if choice := run.choice():
        choice_figure(choice, run.figure_path("choice"))
    if steps := read_range(run):
        range_figure(steps, summary["learning_rate"], run.figure_path("learning-rate"))


def _sweep(
    session: training_session.Session,
    config: str,
    overrides: list[str],
    sweeps: list[str],
    seeds: int,
    dry_run: bool,
) -> None:
    """Trains with each combination of values; all of them are checked before the first is trained with."""
    from dlpractice.config.sweep_values import load_sweep
    from dlpractice.report.sweep_tables import sweep_table

    keys, variants = load_sweep(config, overrides, sweeps)
    if dry_run:
        session.rehearse(_REHEARSAL, variants, seeds, "sweep")
    else:
        session.run_group("sweep", "dlpractice.recipes.finetune.sweep", (variants, keys, seeds), sweep_table)


def _search(
    session: training_session.Session,
    config: str,
    overrides: list[str],
    budget: int,
    over: list[str],
    seeds: int,
    dry_run: bool,
) -> None:
    """Tries settings; the ends of all ranges are checked before the first is trained with."""
    from dlpractice.config.search_space import load_space
    from dlpractice.report.sweep_tables import search_table

    space = load_space(config, overrides, over)
    if dry_run:
        session.rehearse(_REHEARSAL, {"chosen": space.base}, seeds, "search")
    else:
        recipe = "dlpractice.recipes.finetune.search.search"
        session.run_group("search", recipe, (space, budget, seeds), search_table)


def _cross_validate(
    session: training_session.Session, config: str, overrides: list[str], count: int, dry_run: bool
) -> None:
    """Trains a net for each fold; a rehearsal is of the first one, since the others are like it."""
    from dlpractice.config.fold_configs import load_folds
    from dlpractice.report.fold_tables import folds_table

    variants = load_folds(config, overrides, count)
    if dry_run:
        session.rehearse(_REHEARSAL, {"fold-1": variants["fold-1"]}, 1, "cross-validation")
    else:
        recipe = "dlpractice.recipes.finetune.cross_validation.folds"
        session.run_group("cross-validation", recipe, (variants,), folds_table)
