"""`dlp finetune`: trains one strategy, or compares several strategies, seeds or values of a key."""

from __future__ import annotations

from typing import Annotated

import typer

from dlpractice.cli import training_session
from dlpractice.errors import ConfigError

_COMPARE = "Strategies to train on the same split and set side by side, separated by commas."
_REHEARSAL = "dlpractice.recipes.finetune.rehearsal"
_SWEEP = (
    "A key of the config and the values to train with, such as model.width=0.5,1,2; repeat it for several "
    "keys, and every combination is trained."
)


def finetune(
    config: training_session.Name,
    overrides: training_session.Overrides = None,
    compare: Annotated[str, typer.Option(help=_COMPARE)] = "",
    sweep: Annotated[list[str] | None, typer.Option(metavar="KEY=V,V,...", help=_SWEEP)] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Seeds to train each strategy or value with.")
    ] = 1,
    run_dir: training_session.RunDir = None,
    resume: training_session.Resume = False,
    dry_run: training_session.DryRun = False,
    as_json: training_session.AsJson = False,
) -> None:
    """Train an image classifier from a pretrained one."""
    from dlpractice.config.load import load_config

    folder = training_session.choose_folder("finetune", config, run_dir, resume)
    session = training_session.Session(folder, resume, as_json)
    if sweep:
        if compare:
            raise ConfigError(
                "--sweep goes without --compare", "sweep the strategy: --sweep strategy=head,scratch"
            )
        _sweep(session, config, overrides or [], sweep, seeds, dry_run)
        return
    loaded = load_config(config, overrides or [], "finetune")
    strategies = training_session.split_names(compare) or [loaded.strategy]
    training_session.refuse_twice(strategies)
    configs = {name: loaded.for_strategy(name) for name in strategies}
    if dry_run:
        kind: training_session.Kind = "comparison" if compare or seeds > 1 else "run"
        session.rehearse(_REHEARSAL, configs, seeds, kind)
    elif compare or seeds > 1:
        from dlpractice.report.figures import comparison_figure
        from dlpractice.report.result_tables import comparison_table

        session.compare(
            "dlpractice.recipes.finetune.comparison",
            loaded,
            strategies,
            seeds,
            comparison_table,
            comparison_figure,
        )
    else:
        from dlpractice.report.result_tables import summary_table

        session.run("dlpractice.recipes.finetune.finetune", configs[loaded.strategy], summary_table)


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
        session.sweep("dlpractice.recipes.finetune.sweep", variants, keys, seeds, sweep_table)
