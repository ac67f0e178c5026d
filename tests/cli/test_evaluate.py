"""`dlp evaluate` from the shell."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_table_and_document(finished_run: Path, tiny_data: Path, shared_cache: Path) -> None:
    command = [sys.executable, "-m", "dlpractice", "evaluate", str(finished_run), str(tiny_data)]
    environment = {**os.environ, "DLP_CACHE_DIR": str(shared_cache), "COLUMNS": "80"}
    shown, document = (
        subprocess.run(
            [*command, *extra], capture_output=True, text=True, timeout=120, env=environment, check=True
        )
        for extra in ([], ["--json"])
    )
    result = json.loads(document.stdout)
    assert set(result) == {"accuracy", "per_class", "class_names", "confusion", "unreadable"}
    assert result["accuracy"]["n"] == 80
    assert "warning: 48 of 80 images are ones that the model was trained on" in shown.stderr
    assert f"{100 * result['accuracy']['value']:.1f}" in shown.stdout
