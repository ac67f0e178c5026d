"""`dlp data check` says yes if and only if `dlp finetune --dry-run` accepts: on folders of all shapes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from dlpractice.cli.main import app

SETTINGS = ("data.image_size=8", "hardware.precision=float32", "hardware.devices=1")


@cache
def picture(seed: int) -> bytes:
    """A PNG of noise, large enough for near-duplicates to be looked for; equal seeds give equal bytes."""
    buffer = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (33, 33, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class File:
    """One file of a folder to be made. content: a seed of a picture; below 0 it is no image."""

    split: str
    label: str
    content: int
    group: str


@st.composite
def files(draw: st.DrawFn) -> list[File]:
    """One to three classes of few images, in splits or not. Now and then there is a copy, in its own class or
    in another, a file that is no image, or a group of several images."""
    splits = draw(
        st.sampled_from([("",), ("",), ("train", "val"), ("train", "val", "test"), ("train",), ("val",)])
    )
    classes = draw(st.sampled_from([1, 2, 2, 2, 3]))
    oddity = st.sampled_from(["copy", "clash", "bad", "group", "group"])
    listed = []
    for column in range(classes):
        for split in splits:
            for number in range(draw(st.sampled_from([0, 1, 2, 3, 4, 4, 5]))):
                content, group = len(listed), ""
                if number and draw(st.integers(0, 7)) == 0:
                    kind = draw(oddity)
                    content = {"copy": content - 1, "clash": 0, "bad": -1}.get(kind, content)
                    group = "g" if kind == "group" else ""
                listed.append(File(split, str(column), content, group))
    return listed


@contextmanager
def made(listed: list[File], as_table: bool) -> Iterator[Path]:
    """A folder with these files, or a CSV that lists them."""
    root = Path(tempfile.mkdtemp())
    lines = ["path,label,split,group"]
    for number, file in enumerate(listed):
        path = root / file.split / file.label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(file.content) if file.content >= 0 else b"no image")
        lines.append(f"{path.relative_to(root)},{file.label},{file.split},{file.group}")
    (root / "labels.csv").write_text("\n".join(lines))
    try:
        yield root / "labels.csv" if as_table else root
    finally:
        shutil.rmtree(root)


@pytest.mark.usefixtures("shared_cache")
@settings(max_examples=40, deadline=None, derandomize=True)
@given(files(), st.booleans(), st.sampled_from(["error", "skip"]))
def test_the_check_says_yes_where_a_dry_run_accepts(
    listed: list[File], as_table: bool, on_bad_image: str
) -> None:
    with made(listed, as_table) as source, tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "tiny.yaml")
        config.write_text("command: finetune\nstrategy: scratch\nmodel: {width: 0.1, weights: null}\n")
        shared = [f"data.source={source}", f"data.on_bad_image={on_bad_image}", *SETTINGS]
        run = ["--run-dir", f"{folder}/run", "--dry-run", "--json"]
        trained = CliRunner().invoke(app, ["finetune", str(config), *shared, *run])
        checked = CliRunner().invoke(app, ["data", "check", str(config), *shared])
        direct = CliRunner().invoke(app, ["data", "check", str(source), "strategy=scratch", *shared[1:]])
    assert checked.exit_code == direct.exit_code == (0 if trained.exit_code == 0 else 3), trained.exception
