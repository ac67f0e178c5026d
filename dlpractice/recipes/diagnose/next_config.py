"""The config of a run with a remedy applied, for `dlp diagnose --write-config`."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlpractice.config.load import dump_config, load_config
from dlpractice.errors import RunError
from dlpractice.paths import is_file
from dlpractice.runs.directory import CONFIG
from dlpractice.whole_files import write_new

_WIDTH = 110


def top_remedy(findings: Sequence[Mapping[str, Any]], run: str) -> Mapping[str, Any]:
    """The first finding, worst first, that a change of the config is for.

    Raises:
        RunError: there is none.
    """
    for finding in findings:
        if finding["overrides"]:
            return finding
    raise RunError(f"no finding on {run} has a remedy that is a change of the config", "see the findings")


def write_next_config(run: Path, document: Mapping[str, Any], target: Path) -> None:
    """Write the config of `run` with the top remedy of `document` applied, the reasons as comments above it.

    document: what `dlp diagnose --json` prints. The file is one that `dlp config check` passes.

    Raises:
        RunError: `run` has no config, or no finding has a remedy that is a change of it.
        WriteError: `target` exists already or cannot be written.
    """
    source = run / CONFIG
    if not is_file(source):
        raise RunError(f"{run} has no {CONFIG}", "only runs of `dlp` have a config to change")
    finding = top_remedy(document["findings"], str(run))
    config = load_config(str(source), finding["overrides"])
    reasons = [
        f"{run.name} with the remedy of `dlp diagnose` for: {finding['name']} ({finding['severity']}, "
        f"confidence {finding['confidence']}).",
        *finding["evidence"],
        f"Could also be: {finding['causes']}.",
        f"Remedy: {finding['remedy']}.",
        *(f"Changed: {override}" for override in finding["overrides"]),
    ]
    comment = "\n#\n".join(
        textwrap.fill(reason, _WIDTH, initial_indent="# ", subsequent_indent="# ") for reason in reasons
    )
    write_new(target, f"{comment}\n#\n{dump_config(config)}")
