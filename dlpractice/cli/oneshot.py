"""`dlp oneshot`: trains one method, or compares several methods, baselines and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dlpractice.cli import training_session
from dlpractice.errors import ConfigError

if TYPE_CHECKING:
    from dlpractice.config.schema import Oneshot
    from dlpractice.recipes.oneshot.pictures import Pictures
    from dlpractice.runs.directory import RunDirectory

_COMPARE = (
    "Methods of the config, and baselines (nearest-neighbour, hausdorff, affine), to set side by side, "
    "separated by commas; `table` is all of them."
)


def oneshot(
    config: training_session.Name,
    overrides: training_session.Overrides = None,
    compare: Annotated[str, typer.Option(help=_COMPARE)] = "",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Seeds to train each method with.")] = 1,
    run_dir: training_session.RunDir = None,
    resume: training_session.Resume = False,
    dry_run: training_session.DryRun = False,
    as_json: training_session.AsJson = False,
) -> None:
    """Learn to classify from one example per class."""
    from dlpractice.config.commands.oneshot import BASELINES
    from dlpractice.config.load import load_config

    loaded = load_config(config, overrides or [], "oneshot")
    folder = training_session.choose_folder("oneshot", config, run_dir, resume)
    methods = _list_methods(loaded, training_session.split_names(compare)) or [loaded.method]
    configs = {name: None if name in BASELINES else loaded.for_method(name) for name in methods}
    session = training_session.Session(folder, resume, as_json)
    if dry_run:
        kind: Literal["comparison", "run"] = "comparison" if compare or seeds > 1 else "run"
        session.rehearse("dlpractice.recipes.oneshot.rehearsal", configs, seeds, kind, loaded)
    elif compare or seeds > 1:
        from dlpractice.report.oneshot_figures import comparison_figure
        from dlpractice.report.oneshot_tables import comparison_table

        session.run_group(
            "comparison",
            "dlpractice.recipes.oneshot.comparison",
            (loaded, methods, seeds),
            comparison_table,
            comparison_figure,
            draw=_draw,
        )
    else:
        from dlpractice.report.oneshot_tables import summary_table

        own = loaded.for_method(loaded.method)
        session.run("dlpractice.recipes.oneshot.oneshot", own, summary_table, draw=_draw)


def _list_methods(config: Oneshot, names: list[str]) -> list[str]:
    """The methods and baselines that --compare asks for, each of them once."""
    from dlpractice.config.commands.oneshot import BASELINES, TABLE
    from dlpractice.config.problems import closest

    known = list(dict.fromkeys((*BASELINES, config.method, *config.methods)))
    for name in names:
        if name not in (*known, TABLE):
            guess = closest(name, (*known, TABLE))
            raise ConfigError(
                f"--compare: there is no method {name!r}" + (f"; did you mean {guess}?" if guess else ""),
                f"choose among {', '.join(known)}, separated by commas, or {TABLE} for all of them",
            )
    methods = [one for name in names for one in (known if name == TABLE else (name,))]
    training_session.refuse_twice(methods)
    return methods


def _draw(run: RunDirectory, pictures: Pictures) -> None:
    """Draws what is worth seeing of a run, as PNG files in its folder."""
    from dlpractice.report.oneshot_figures import embedding_figure, failures_figures, training_pairs_figure

    training_pairs_figure(pictures.pairs, pictures.same, run.figure_path("training-pairs"))
    failures_figures(pictures.failures, lambda page: run.figure_path(f"failures-{page}"))
    embedding_figure(pictures.points, pictures.labels, pictures.names, run.figure_path("embedding"))
