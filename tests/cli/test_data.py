import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dlpractice.cli.data import app
from dlpractice.data.sets.catalogue import CATALOGUE
from dlpractice.data.storage.downloads import Download
from dlpractice.errors import ConfigError, DataError

runner = CliRunner()


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("DLP_DATA_DIR", raising=False)
    rng = np.random.default_rng(0)
    for label in ("cat", "[dog]"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 256, (40, 50, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.png")
    return tmp_path / "photos"


def test_known_data_sets_are_listed(photos: Path) -> None:
    shown = runner.invoke(app, ["ls"])
    assert shown.exit_code == 0
    assert "cats-dogs  3000 images, to download" in shown.stdout
    rows = json.loads(runner.invoke(app, ["ls", "--json"]).stdout)
    assert [row["name"] for row in rows] == ["cats-dogs", "digits", "omniglot", "glyphs"]
    assert "omniglot  32460 images, to download" in shown.stdout
    assert rows[1]["state"] == "local"


def test_fetch_prints_the_folder_and_nothing_else(photos: Path) -> None:
    shown = runner.invoke(app, ["fetch", "digits"])
    assert shown.exit_code == 0
    assert len(list(Path(shown.stdout.strip()).rglob("*.png"))) == 1797
    assert isinstance(runner.invoke(app, ["fetch", "nothing"]).exception, DataError)


def test_generated_alphabets_are_written_to_be_looked_at(photos: Path) -> None:
    folder = Path(runner.invoke(app, ["fetch", "glyphs"]).stdout.strip())
    files = list(folder.rglob("*.png"))
    assert f"glyphs  {len(files)} images, ready" in runner.invoke(app, ["ls"]).stdout
    with Image.open(folder / "glyphs-000/character01/drawer20.png") as image:
        assert (image.mode, image.size) == ("L", (105, 105))


def test_drawings_are_counted(photos: Path) -> None:
    shown = runner.invoke(app, ["check", "glyphs"])
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("sample: ") and lines[0].endswith("alphabets by 20 drawers")
    assert len(lines) == 4 and lines[1].startswith("  glyphs-000: ")
    document = json.loads(runner.invoke(app, ["check", "glyphs", "--json"]).stdout)
    assert document["parts"]["sample"]["drawers"] == 20


def test_without_its_archives_omniglot_is_one_clear_error(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = Download("omniglot/images_background.zip", "http://127.0.0.1:9/images_background.zip")
    monkeypatch.setitem(CATALOGUE, "omniglot", replace(CATALOGUE["omniglot"], files=(refuse,)))
    monkeypatch.setattr("dlpractice.data.storage.downloads.ATTEMPTS", 1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    shown = runner.invoke(app, ["check", "omniglot"])
    assert isinstance(shown.exception, DataError)
    assert "images_background.zip from http://127.0.0.1:9/" in shown.exception.message
    assert "DLP_DATA_DIR" in shown.exception.hint


def test_clean_data_passes_the_check(photos: Path) -> None:
    shown = runner.invoke(app, ["check", str(photos)])
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "20 images in 2 classes",
        "  [dog]: 10",
        "  cat: 10",
        "width: 50 to 50 pixels, median 50",
        "height: 40 to 40 pixels, median 40",
        "formats: PNG 20",
        "0 errors, 0 warnings",
        "dlp finetune takes these data: train 12, validation 4, test 4",
        "    with data.validation=0.15 data.test=0.15 data.on_bad_image=error data.near_duplicates=group",
    ]


def test_the_check_takes_the_settings_of_training(photos: Path, tmp_path: Path) -> None:
    (photos / "cat/empty.jpg").touch()
    shown = runner.invoke(app, ["check", str(photos)]).stdout.splitlines()
    assert shown[:3] == ["21 images, of which 20 can be used, in 2 classes", "  [dog]: 10", "  cat: 10"]
    for number in range(7):
        (photos / f"cat/{number}.png").unlink()
    assert runner.invoke(app, ["check", str(photos)]).exit_code == 3
    assert runner.invoke(app, ["check", str(photos), "data.on_bad_image=skip"]).exit_code == 0
    (photos / "cat/7.png").unlink()
    shown = runner.invoke(app, ["check", str(photos), "data.on_bad_image=skip"])
    assert shown.exit_code == 3
    assert "cat: 2 images, none left for" in shown.stdout and "dlp finetune refuses" in shown.stdout
    config = tmp_path / "mine.yaml"
    config.write_text(f"command: finetune\ndata:\n  source: {photos}\n  on_bad_image: skip\n  test: 0.2\n")
    document = json.loads(runner.invoke(app, ["check", str(config), "--json"]).stdout)
    assert (document["accepted"], document["settings"]["test"]) == (False, 0.2)
    wrong = runner.invoke(app, ["check", str(photos), "data.tset=0.2"]).exception
    assert isinstance(wrong, ConfigError) and "did you mean data.test?" in wrong.message


def test_what_is_no_data_set_is_refused_with_the_reason(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    shown = runner.invoke(app, ["check", str(tmp_path / "empty")])
    assert shown.exit_code == 3
    assert "holds no images in class folders\n  hint: expected one folder per class" in shown.stdout


def test_one_class_is_no_classes(photos: Path) -> None:
    shutil.rmtree(photos / "cat")
    assert runner.invoke(app, ["check", str(photos)]).stdout.startswith("10 images in 1 class\n")


def test_classes_are_checked_for_oneshot(photos: Path) -> None:
    few = runner.invoke(app, ["check", str(photos), "command=oneshot"])
    assert few.exit_code == 3
    assert "needs at least 6 classes of 2 or more examples" in few.stdout and "it has 2" in few.stdout
    for name in ("a", "b", "c", "d"):
        (photos / name).mkdir()
        for number in range(2):
            pixels = np.random.default_rng(ord(name) + 1000 * number).integers(0, 256, (40, 50, 3), np.uint8)
            Image.fromarray(pixels).save(photos / name / f"{number}.png")
    enough = runner.invoke(app, ["check", str(photos), "command=oneshot"])
    assert enough.exit_code == 0
    assert "dlp oneshot takes these data: classes for train 2, validation 2, test 2" in enough.stdout


def test_each_bad_file_is_named_and_the_status_is_3(photos: Path) -> None:
    (photos / "cat/empty.jpg").touch()
    (photos / "[dog]/a.txt").write_text("x")
    shown = runner.invoke(app, ["check", str(photos)])
    assert shown.exit_code == 3
    assert (
        "error: 1 image cannot be used: empty\n    cat/empty.jpg: the file is empty (0 bytes)" in shown.stdout
    )
    assert "warning: 1 file or folder passed over, no images by name: [dog]/a.txt" in shown.stdout
    assert "1 error, 1 warning; --json names every file" in shown.stdout


def test_json_is_one_document_and_progress_goes_elsewhere(photos: Path) -> None:
    (photos / "cat/empty.jpg").touch()
    shown = runner.invoke(app, ["check", str(photos), "--json"])
    assert shown.exit_code == 3
    document = json.loads(shown.stdout)
    assert document["unusable"][0]["path"] == "cat/empty.jpg"
    assert "decoding" in shown.stderr


def test_what_is_not_there_is_an_error_of_ours(photos: Path) -> None:
    assert isinstance(runner.invoke(app, ["check", str(photos / "none")]).exception, DataError)
