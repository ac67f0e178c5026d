"""What is kept is what would be computed: in every cache, settings that give other values have other keys."""

import ast
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import dlpractice
from dlpractice.data.codecs.levels import Levels
from dlpractice.data.files.archive import Unpacking
from dlpractice.data.files.decoding import Look, fit
from dlpractice.data.files.folder_index import index_folder
from dlpractice.data.files.image_facts import FACTS, Glance, facts_of
from dlpractice.data.files.index_items import Index
from dlpractice.data.files.pixel_cache import pixel_view, scan
from dlpractice.data.sets.glyphs.glyph_cache import DrawnAlphabet
from dlpractice.progress import Silent

COLOURS = st.sampled_from(["#ffffff", "#000000", "#000001", "#FFFFFF", "#808080"])
LEVELS = st.sampled_from([None, Levels(0, 4095), Levels(0, 65535)])
SIDES, FITS = st.sampled_from([8, 9, 300]), st.sampled_from(["stretch", "crop", "pad"])
LOOKS = st.builds(Look, SIDES, FITS, COLOURS, LEVELS)


def shape(alpha: int) -> Image.Image:
    """A white ellipse on nothing."""
    picture = Image.new("LA", (60, 40), (255, 0))
    picture.paste((255, alpha), (10, 5, 50, 30))
    return picture


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Transparent shapes, a picture of 12 bits in 16, one that is no square, a JPEG that may be shrunk."""
    root = tmp_path_factory.mktemp("photos")
    for name, image in {
        "a/half.png": shape(128),
        "a/full.png": shape(255),
        "b/deep.png": Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40)),
        "b/wide.png": Image.effect_noise((64, 40), 80).convert("RGB"),
        "b/large.jpg": Image.effect_noise((1200, 1200), 60).convert("RGB"),
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        image.save(root / name)
    return index_folder(root)


@pytest.fixture(scope="module")
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that fills up with what earlier examples computed."""
    yield tmp_path_factory.mktemp("filling")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(look=LOOKS | st.none())
def test_a_full_cache_gives_what_an_empty_one_gives(
    index: Index, one_cache: Path, monkeypatch: pytest.MonkeyPatch, look: Look | None
) -> None:
    monkeypatch.setenv("DLP_CACHE_DIR", str(one_cache))
    found = scan(index, look, Silent())
    assert found.levels == ((look and look.levels) or Levels(0, 4095))
    glance = replace(Glance.of(look), levels=found.levels)
    for number, item in enumerate(index.items):
        decoded = glance.decode(index.file(item).read_bytes(), item.path)
        assert found.facts[number].tobytes() == np.array([facts_of(decoded)], found.facts.dtype).tobytes()
        if look:
            kept = pixel_view([found.sha256[item.path]], replace(look, levels=found.levels))[0]
            np.testing.assert_array_equal(kept, fit(decoded.rgb, look))


@settings(max_examples=60, deadline=None)
@given(one=LOOKS | st.none(), two=LOOKS | st.none())
def test_looks_that_give_other_values_have_other_keys(
    index: Index, one: Look | None, two: Look | None
) -> None:
    files = [index.file(item) for item in index.items[1:3]]

    def see(look: Look | None) -> tuple[bytes, list[bytes] | None]:
        decoded = [Glance.of(look).decode(file.read_bytes(), file.name) for file in files]
        facts = np.array([facts_of(image) for image in decoded], FACTS).tobytes()
        return facts, [fit(image.rgb, look).tobytes() for image in decoded] if look else None

    if see(one)[0] != see(two)[0]:
        assert Glance.of(one).cache_key != Glance.of(two).cache_key
    if one and two and see(one)[1] != see(two)[1]:
        assert one.cache_key != two.cache_key


NUMBERS = st.integers(0, 2)
ALPHABETS = st.builds(DrawnAlphabet, NUMBERS, NUMBERS, st.integers(1, 2), st.integers(1, 2))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alphabet=ALPHABETS)
def test_kept_alphabets_are_those_that_would_be_drawn(
    one_cache: Path, monkeypatch: pytest.MonkeyPatch, alphabet: DrawnAlphabet
) -> None:
    monkeypatch.setenv("DLP_CACHE_DIR", str(one_cache))
    np.testing.assert_array_equal(alphabet.recall(), alphabet.draw())


def test_archives_of_other_content_are_unpacked_apart(tmp_path: Path) -> None:
    folders = []
    for number in range(2):
        archive = tmp_path / "same-name.zip"
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("a/1.png", bytes([number]))
        folders.append(Unpacking(f"{number}").unpack(archive))
    assert [(folder / "a/1.png").read_bytes() for folder in folders] == [b"\0", b"\1"]


def keyed_records() -> Iterator[str]:
    """The names of all classes of the package that derive from Keyed, or from what does."""
    for file in Path(dlpractice.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(parent, ast.Name) and parent.id in ("Keyed", "KeptTimes") for parent in node.bases
            ):
                yield node.name


def test_every_cache_has_such_a_test() -> None:
    here = {"Look", "Glance", "DrawnAlphabet", "Unpacking"}
    elsewhere = {
        "Download": "storage/test_downloads.py",
        "KeptTimes": "../training/devices/test_compile_choice.py",
        "Making": "sets/test_catalogue.py",
        "Origin": "../training/test_features.py",
        "PrecisionTimes": "../training/devices/test_precision_choice.py",
        "Timing": "../training/devices/test_compile_choice.py",
        "Views": "../training/test_features.py",
    }
    assert set(keyed_records()) == here | elsewhere.keys()


def test_no_place_in_the_cache_is_named_by_hand() -> None:
    by_hand = {
        file.relative_to(Path(dlpractice.__file__).parent).as_posix()
        for file in Path(dlpractice.__file__).parent.rglob("*.py")
        if "cache_dir() /" in file.read_text("utf-8")
    }
    assert by_hand == {"data/storage/cache_key.py"}
