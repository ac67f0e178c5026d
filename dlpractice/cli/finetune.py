"""`dlp finetune`: one strategy, or several and several seeds compared."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlpractice.cli.console import messages, print_json, results
from dlpractice.cli.launch import import_quietly
from dlpractice.errors import ConfigError, RunError

if TYPE_CHECKING:
    from dlpractice.config.schema import Finetune
    from dlpractice.runs.progress import Progress

_CONFIG = "A config file, or the name of one that ships with dlp."
_OVERRIDES = "What to change in it, such as `training.epochs=5`."
_COMPARE = "Strategies to train on the same split and set side by side, separated by commas."
_RUN_DIR = "Where the run goes; runs/finetune/CONFIG-TIME if not given."


def finetune(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help=_CONFIG)],
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help=_OVERRIDES)] = None,
    compare: Annotated[str, typer.Option(help=_COMPARE)] = "",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Seeds to train each strategy with.")] = 1,
    run_dir: Annotated[Path | None, typer.Option(help=_RUN_DIR)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --run-dir.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train an image classifier from a pretrained one."""
    from dlpractice.config.load import load_config
    from dlpractice.report.progress import make_progress

    loaded = load_config(config, overrides or [], "finetune")
    if resume and run_dir is None:
        raise RunError("--resume needs --run-dir", "name the run to go on with")
    strategies = [name.strip() for name in compare.split(",") if name.strip()]
    folder = run_dir or _default_folder(config)
    if dry_run:
        _show_plan(loaded, strategies, seeds, folder, as_json)
        return
    progress = make_progress(sys.stderr)
    try:
        if strategies or seeds > 1:
            _compare(loaded, strategies or [loaded.strategy], seeds, folder, resume, progress, as_json)
        else:
            _train(loaded.for_strategy(loaded.strategy), folder, resume, progress, as_json)
    except KeyboardInterrupt:
        progress.close()
        messages().print(f"interrupted; go on with --resume --run-dir {folder}", soft_wrap=True)
        raise
    finally:
        progress.close()


def _default_folder(config: str) -> Path:
    return Path("runs", "finetune", f"{Path(config).stem}-{datetime.now():%Y%m%d-%H%M%S}")


def _train(config: Finetune, folder: Path, resume: bool, progress: Progress, as_json: bool) -> None:
    from dlpractice.report.tables import summary_table
    from dlpractice.runs.directory import RunDirectory

    with RunDirectory.resume(folder) if resume else RunDirectory.create(folder) as run:
        recipe = import_quietly("dlpractice.recipes.finetune")
        summary = recipe.run(config, run, progress)
    progress.close()
    if as_json:
        print_json({"run": str(folder), **summary})
        return
    results().print(summary_table(summary))
    results().print(str(folder), soft_wrap=True)


def _compare(
    config: Finetune,
    strategies: list[str],
    seeds: int,
    folder: Path,
    resume: bool,
    progress: Progress,
    as_json: bool,
) -> None:
    from dlpractice.report.figures import comparison_figure
    from dlpractice.report.tables import comparison_table
    from dlpractice.runs.comparison import Comparison

    _check_strategies(config, strategies)
    with Comparison.resume(folder) if resume else Comparison.create(folder) as comparison:
        recipe = import_quietly("dlpractice.recipes.comparison")
        table: dict[str, Any] = recipe.run(config, strategies, seeds, comparison, progress)
        comparison_figure(table["rows"], comparison.figure_path)
    progress.close()
    if as_json:
        print_json({"run": str(folder), **table})
        return
    results().print(comparison_table(table))
    results().print(f"figure: {comparison.figure_path}", soft_wrap=True)
    results().print(str(folder), soft_wrap=True)


def _check_strategies(config: Finetune, strategies: list[str]) -> None:
    from pydantic import ValidationError

    for name in strategies:
        try:
            config.for_strategy(name)
        except ValidationError:
            raise ConfigError(
                f"--compare: no strategy is called {name!r}",
                "choose among scratch, head, top-block, full and linear@blockN, separated by commas",
            ) from None
    if len(set(strategies)) < len(strategies):
        raise ConfigError("--compare names a strategy twice", "name each strategy once")


def _show_plan(config: Finetune, strategies: list[str], seeds: int, folder: Path, as_json: bool) -> None:
    from dlpractice.config.load import dump_config

    names = strategies or [config.strategy]
    _check_strategies(config, names)
    configs = {name: config.for_strategy(name) for name in names}
    if as_json:
        plan = {name: one.model_dump(mode="json", exclude={"strategies"}) for name, one in configs.items()}
        print_json({"run": str(folder), "seeds": seeds, "configs": plan})
        return
    for name, one in configs.items():
        results().print(f"# {name}, {seeds} seed{'s' if seeds > 1 else ''}")
        results().print(dump_config(one), soft_wrap=True)
    results().print(str(folder), soft_wrap=True)
