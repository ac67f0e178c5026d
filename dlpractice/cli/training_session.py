"""What the commands that train share: their options, where a run goes, what an interrupt leaves behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dlpractice.cli.console import print_json, results
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import ConfigError, RunError
from dlpractice.training.devices.cluster import find_cluster, refuse_cluster, reporting_lost_workers
from dlpractice.training.interruption import interruptible
from dlpractice.whole_files import scratch_folder

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dlpractice.config.schema import Config
    from dlpractice.progress import Progress
    from dlpractice.runs.comparison_folder import Comparison
    from dlpractice.runs.lock import LockedFolder

Document = dict[str, Any]
Kind = Literal["comparison", "sweep", "search", "cross-validation"]

Name = Annotated[
    str, typer.Argument(metavar="CONFIG", help="A config file, or the name of one that ships with dlp.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="What to change in it, such as `training.epochs=5`."),
]
RunDir = Annotated[
    Path | None, typer.Option(help="Where the run goes; runs/COMMAND/CONFIG-TIME if not given.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --run-dir.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Do all that comes before training, and say what would be trained.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def choose_folder(command: str, config: str, run_dir: Path | None, resume: bool) -> Path:
    """The folder of a run: `run_dir`, or a new one under runs/, named after the config and the time.

    Raises:
        RunError: `run_dir` is missing, although a run is to be resumed, or several workers share one.
    """
    if run_dir is not None:
        return run_dir
    if find_cluster() is not None:
        raise RunError("this job has several workers, and --run-dir is not given", "name a folder they share")
    if resume:
        raise RunError("--resume needs --run-dir", "name the run to go on with")
    return Path("runs", command, f"{Path(config).stem}-{datetime.now():%Y%m%d-%H%M%S}")


def split_names(compare: str) -> list[str]:
    """The names in the text of --compare, in which commas separate them."""
    return [name.strip() for name in compare.split(",") if name.strip()]


def refuse_twice(names: Sequence[str]) -> None:
    """Raises ConfigError where --compare names something twice."""
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"--compare names {twice} twice", "name each once")


@contextmanager
def reporting(way_on: str, every_epoch: bool = True) -> Iterator[Progress]:
    """The display of progress. Where Ctrl-C or another signal ends the command, `way_on` is said.

    every_epoch: see `make_progress`.
    """
    from dlpractice.report.progress_display.plain import make_progress

    progress = make_progress(sys.stderr, every_epoch)
    try:
        with interruptible():
            yield progress
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(way_on)
        raise
    finally:
        progress.close()


def _find_kind(kind: Kind) -> type[Comparison]:
    """The folder of several runs that a kind of training makes."""
    from dlpractice.runs.comparison_folder import Comparison, Folds, Search, Sweep

    kinds: list[type[Comparison]] = [Comparison, Sweep, Search, Folds]
    return next(known for known in kinds if kind == known.NOUN)


@dataclass(frozen=True)
class Session:
    """A run or a comparison in `folder`, new or to be resumed. It trains and prints the result."""

    folder: Path
    resume: bool
    as_json: bool

    def run(
        self, recipe: str, config: Config, table: Callable[[Document], RenderableType], **options: Any
    ) -> None:
        """Calls `run(config, run, progress, **options)` of the module `recipe` and prints its summary.

        Where several processes train together, only the first one prints and writes.
        """
        from dlpractice.runs.directory import RunDirectory

        cluster = find_cluster()
        if cluster is not None and not cluster.is_chief:
            with scratch_folder() as scratch, reporting_lost_workers(cluster):
                run = RunDirectory.follow(self.folder, scratch)
                import_quietly(recipe).run(config, run, **options)
            return
        opened = RunDirectory.resume if self.resume else RunDirectory.create
        with reporting(self._way_on) as progress, opened(self.folder) as run, reporting_lost_workers(cluster):
            summary: Document = import_quietly(recipe).run(config, run, progress, **options)
        self._print(summary, table)

    def run_group(
        self,
        kind: Kind,
        recipe: str,
        arguments: Sequence[Any],
        table: Callable[[Document], RenderableType],
        figure: Callable[[Document, Path], None] | None = None,
        **options: Any,
    ) -> None:
        """Calls `run` of the module `recipe`, which trains several runs; draws and prints its document.

        The call is `run(*arguments, folder, progress, **options)`, with a folder of this kind.
        """
        refuse_cluster(f"a {kind}")
        folder = _find_kind(kind)
        opened = folder.resume if self.resume else folder.create
        line = f"read them together with: dlp diagnose {self.folder}"
        with reporting(self._way_on) as progress, opened(self.folder) as group:
            document: Document = import_quietly(recipe).run(*arguments, group, progress, **options)
            if figure is not None:
                figure(document, group.figure_path)
                line = f"figure: {group.figure_path}"
        self._print(document, table, line)

    def rehearse(
        self,
        recipe: str,
        configs: Mapping[str, Config | None],
        seeds: int,
        kind: Kind | Literal["run"],
        *options: Any,
    ) -> None:
        """Calls `run` of the module `recipe`, which prepares what it would train; prints the plan, and leaves
        nothing behind.

        The call is `run(*options, configs, folders, progress)`; `folders` has those of each config's runs.

        configs: by name; None for what is not trained.
        """
        from dlpractice.cli.dry_run.plan import show_plan

        cluster = find_cluster()
        if kind != "run":
            refuse_cluster(f"a {kind}")
        is_chief = cluster is None or cluster.is_chief
        opening = self._rehearse_folder(kind) if is_chief else nullcontext()
        with reporting("nothing was trained") as progress, opening, reporting_lost_workers(cluster):
            folders = {
                name: [self._run_folder(kind, name, config.seed + place) for place in range(seeds)]
                for name, config in configs.items()
                if config is not None
            }
            found = import_quietly(recipe).run(*options, configs, folders, progress)
        if is_chief:
            show_plan(configs, found, seeds, self.folder, as_json=self.as_json)

    def _rehearse_folder(self, kind: Kind | Literal["run"]) -> AbstractContextManager[LockedFolder]:
        from dlpractice.runs.directory import RunDirectory

        found = RunDirectory if kind == "run" else _find_kind(kind)
        return found.rehearse(self.folder, resume=self.resume)

    @property
    def _way_on(self) -> str:
        return f"go on with --resume --run-dir {self.folder}"

    def _run_folder(self, kind: str, name: str, seed: int) -> Path:
        from dlpractice.runs.comparison_folder import run_folder

        return self.folder if kind == "run" else run_folder(self.folder, name, seed)

    def _print(self, document: Document, table: Callable[[Document], RenderableType], *lines: str) -> None:
        if self.as_json:
            print_json({"run": str(self.folder), **document})
            return
        results().print(table(document))
        for line in (*lines, str(self.folder)):
            results().print(line, soft_wrap=True)
