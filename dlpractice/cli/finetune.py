"""`dlp finetune`: one strategy, or several and several seeds compared."""

from __future__ import annotations

from typing import Annotated

import typer

from dlpractice.cli import training

_COMPARE = "Strategies to train on the same split and set side by side, separated by commas."


def finetune(
    config: training.Name,
    overrides: training.Overrides = None,
    compare: Annotated[str, typer.Option(help=_COMPARE)] = "",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Seeds to train each strategy with.")] = 1,
    run_dir: training.RunDir = None,
    resume: training.Resume = False,
    dry_run: training.DryRun = False,
    as_json: training.AsJson = False,
) -> None:
    """Train an image classifier from a pretrained one."""
    from dlpractice.config.load import load_config

    loaded = load_config(config, overrides or [], "finetune")
    folder = training.choose_folder("finetune", config, run_dir, resume)
    strategies = training.split_names(compare) or [loaded.strategy]
    training.refuse_twice(strategies)
    configs = {name: loaded.for_strategy(name) for name in strategies}
    session = training.Session(folder, resume, as_json)
    if dry_run:
        training.show_plan(configs, seeds, folder, as_json)
    elif compare or seeds > 1:
        from dlpractice.report.figures import comparison_figure
        from dlpractice.report.tables import comparison_table

        session.compare(
            "dlpractice.recipes.comparison", loaded, strategies, seeds, comparison_table, comparison_figure
        )
    else:
        from dlpractice.report.tables import summary_table

        session.run("dlpractice.recipes.finetune", configs[loaded.strategy], summary_table)
