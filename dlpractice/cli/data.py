"""`dlp data`: the data sets known by name, and the audit of any data set."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dlpractice.cli.console import print_json, results
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import ConfigError, DataError

if TYPE_CHECKING:
    from dlpractice.config.schema import Finetune, Oneshot
    from dlpractice.data.audit.audit import Audit
    from dlpractice.data.audit.drawings_audit import DrawingsAudit
    from dlpractice.data.files.index_items import Finding
    from dlpractice.recipes.data.check import Check

app = typer.Typer(help="Known data sets, and the audit of your own.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command("ls")
def list_known(as_json: AsJson = False) -> None:
    """List the data sets that are known by name."""
    from dlpractice.data.sets.catalogue import CATALOGUE, state

    rows = [
        {
            "name": row.name,
            "images": row.images,
            "state": state(row),
            "about": row.about,
            "source": row.source,
        }
        for row in CATALOGUE.values()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        results().print(f"{row['name']}  {row['images']} images, {row['state']}", soft_wrap=True)
        results().print(f"    {row['about']}", soft_wrap=True)
        results().print(f"    {row['source']}", soft_wrap=True)


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="A name that `dlp data ls` shows.")]) -> None:
    """Download or write a data set, if it is not here yet, and print its folder."""
    from dlpractice.data.sets.catalogue import find
    from dlpractice.report.progress_display.plain import make_progress

    progress = make_progress(sys.stderr)
    try:
        folder = find(name, progress)
    finally:
        progress.close()
    results().print(str(folder), soft_wrap=True)


@app.command()
def check(
    path: Annotated[
        str,
        typer.Argument(help="A folder, a CSV, a zip, the name of a known data set, or a config (.yaml)."),
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="As for training: data.test=0.2.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read every image and say what is wrong with the data; exit with 3 if training would refuse it.

    A folder is checked for `dlp finetune` with the defaults of a config, or, if it holds recordings or with
    command=oneshot, for `dlp oneshot`.
    """
    from dlpractice.data.audit.drawings_audit import DRAWINGS

    if path in DRAWINGS and not overrides:
        _check_drawings(path, as_json)
        return
    answer = _run_check(_choose_config(path, overrides or []))
    if as_json:
        print_json(answer.to_json())
    else:
        _print_check(answer)
    if not answer.accepted:
        raise typer.Exit(3)


def _choose_config(path: str, overrides: list[str]) -> Finetune | Oneshot:
    """The config in `path`, or the one with which training would begin on the data there.

    Raises ConfigError where it is for a command that reads no data, or has problems.
    """
    from dlpractice.config.load import assume_config, load_config

    if path.lower().endswith((".yaml", ".yml")):
        config = load_config(path, overrides)
    else:
        named = [text.partition("=")[2] for text in overrides if text.startswith("command=")]
        command = named[-1] if named else _guess_command(path)
        config = assume_config(command, [f"data.source={path}", *overrides])
    if config.command == "finetune":
        return config.for_strategy(config.strategy)
    if config.command == "oneshot":
        return config.for_method(config.method)
    raise ConfigError(f"{path} is a config for {config.command}, which reads no data", "name a data set")


def _guess_command(path: str) -> str:
    """The command that learns from the data in `path`: recordings and drawings are for `dlp oneshot`."""
    from dlpractice.data.oneshot.own_classes import holds_recordings
    from dlpractice.data.sets.catalogue import CATALOGUE

    if path in CATALOGUE:
        return CATALOGUE[path].command
    try:
        return "oneshot" if holds_recordings(path) else "finetune"
    except DataError:
        return "finetune"  # which will say what is wrong


def _run_check(config: Finetune | Oneshot) -> Check:
    from dlpractice.report.progress_display.plain import make_progress

    kind = "images" if config.command == "finetune" else "classes"
    module = import_quietly(f"dlpractice.recipes.data.check_{kind}")
    progress = make_progress(sys.stderr)
    try:
        answer: Check = module.run(config, progress)
    finally:
        progress.close()
    return answer


def _check_drawings(name: str, as_json: bool) -> None:
    from dlpractice.data.audit.drawings_audit import check_drawings
    from dlpractice.report.progress_display.plain import make_progress

    progress = make_progress(sys.stderr)
    try:
        audit = check_drawings(name, progress)
    finally:
        progress.close()
    if as_json:
        print_json(audit.to_json())
    else:
        _print_drawings(audit)


def _print_drawings(audit: DrawingsAudit) -> None:
    show = results().print
    for name, part in audit.parts.items():
        show(
            f"{name}: {part.drawings} drawings of {part.side} x {part.side} pixels: "
            f"{part.characters} characters of {len(part.alphabets)} alphabets by {part.drawers} drawers",
            soft_wrap=True,
        )
        for alphabet, characters in part.alphabets.items():
            show(f"  {alphabet}: {characters}", soft_wrap=True)
    if audit.runs:
        show(
            f"{len(audit.runs)} one-shot runs: {', '.join(sorted(set(audit.runs.values())))}", soft_wrap=True
        )
    for paths in audit.equal:
        show(f"info: equal to the pixel: {' = '.join(paths)}", soft_wrap=True)
    if audit.digest:
        show(f"as published: sha256 of the content {audit.digest}", soft_wrap=True)


def _print_check(answer: Check) -> None:
    show, audit = results().print, answer.audit
    if audit.images:
        _print_contents(audit)
    reasons = {unusable.path: unusable.reason for unusable in audit.unusable}
    for finding in audit.findings:
        _print_finding(finding, reasons)
    errors, warnings = len(audit.of("error")), len(audit.of("warning"))
    counted = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    show(counted + ("; --json names every file" if audit.findings else ""))
    settings = " ".join(f"{key}={value}" for key, value in answer.settings().items())
    would = f"takes these data: {_describe_sizes(answer)}" if answer.accepted else "refuses these data"
    show(f"dlp {answer.config.command} {would}", soft_wrap=True)
    show(f"    with {settings}", soft_wrap=True)


def _describe_sizes(answer: Check) -> str:
    sizes = ", ".join(f"{name} {size:,}" for name, size in answer.sizes.items())
    return sizes if answer.config.command == "finetune" else f"classes for {sizes}"


def _print_contents(audit: Audit) -> None:
    show = results().print
    heard = audit.formats.keys() == {"WAV"}
    noun = "recording" if heard else "image"
    used = "" if audit.usable == audit.images else f", of which {audit.usable} can be used,"
    show(f"{_count(audit.images, noun)}{used} in {_count(len(audit.counts), 'class', 'es')}", soft_wrap=True)
    for label, row in audit.counts.items():
        numbers = ", ".join(
            f"{count}" if split == "all" else f"{split} {count}" for split, count in row.items()
        )
        show(f"  {label}: {numbers}", soft_wrap=True)
    sizes = () if heard else (("width", audit.widths), ("height", audit.heights))
    for side, (least, middle, most) in sizes:
        show(f"{side}: {least} to {most} pixels, median {middle}", soft_wrap=True)
    show("formats: " + ", ".join(f"{name} {count}" for name, count in audit.formats.items()), soft_wrap=True)


def _count(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}" + ("" if number == 1 else plural)


def _print_finding(finding: Finding, reasons: dict[str, str]) -> None:
    """One line, and below an error every file by name, and what to do."""
    show = results().print
    show(f"{finding.severity}: {finding.message}", soft_wrap=True)
    if finding.severity == "error":
        for path in finding.paths:
            reason = f": {reasons[path]}" if path in reasons else ""
            show(f"    {path}{reason}", soft_wrap=True)
    if finding.hint:
        show(f"  hint: {finding.hint}", soft_wrap=True)
