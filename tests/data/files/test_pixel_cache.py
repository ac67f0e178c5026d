import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlpractice.data.files import pixel_cache as module
from dlpractice.data.files.decoding import Look, load_pixels
from dlpractice.data.files.folder_index import index_folder
from dlpractice.data.files.image_facts import Glance
from dlpractice.data.files.pixel_cache import in_order, pixel_view, scan, usable_cores
from dlpractice.data.storage import cache_key
from dlpractice.progress import Silent

Classes = Callable[..., Path]
Write = Callable[..., Path]
LOOK = Look(24, "crop", "#ffffff")


class Counting(Silent):
    def __init__(self) -> None:
        self.stages: dict[str, list[int]] = {}

    def stage(self, name: str, total: int, unit: str) -> None:
        self.stages[name] = [total, 0]

    def advance(self, done: int = 1) -> None:
        list(self.stages.values())[-1][1] += done


def test_cached_pixels_are_those_of_a_plain_loop(classes: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK_BYTES", 3 * (24 * 24 * 3 + 1100))
    index = index_folder(classes(7))
    progress = Counting()
    found = scan(index, LOOK, progress)
    expected = np.stack([load_pixels(index.file(item), Look(24, "crop")) for item in index.items])
    np.testing.assert_array_equal(pixel_view(list(found.sha256.values()), LOOK)[:], expected)
    assert progress.stages == {"reading": [14, 14], "decoding": [14, 14]}
    assert found.facts["width"].tolist() == [96] * 14
    assert found.facts["format"].tolist() == [b"PNG"] * 14


def test_nothing_is_decoded_twice(classes: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_folder(classes(3))
    first = scan(index, LOOK, Silent())
    monkeypatch.setattr(Glance, "decode", None)
    progress = Counting()
    again = scan(index, LOOK, progress)
    assert list(progress.stages) == ["reading"]
    assert again.sha256 == first.sha256
    np.testing.assert_array_equal(again.facts, first.facts)
    scan(index, None, Silent())


def test_a_changed_file_is_noticed_even_with_its_old_size_and_time(classes: Classes, write: Write) -> None:
    root = classes(2)
    path = root / "cat/000.png"
    Image.new("RGB", (40, 40), "#ff0000").save(path, "BMP")
    before = path.stat()
    first = scan(index_folder(root), LOOK, Silent())
    Image.new("RGB", (40, 40), "#0000ff").save(path, "BMP")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    second = scan(index_folder(root), LOOK, Silent())
    assert first.sha256["cat/000.png"] != second.sha256["cat/000.png"]
    assert pixel_view([second.sha256["cat/000.png"]], LOOK)[0][0, 0].tolist() == [0, 0, 255]


def test_bad_files_are_named_and_the_others_kept(classes: Classes, write: Write) -> None:
    root = classes(2)
    whole = (root / "cat/000.png").read_bytes()
    for name, content in (("empty.png", b""), ("cut.png", whole[:2000]), ("same-cut.png", whole[:2000])):
        write(root / "dog" / name, content)
    (root / "dog/gone.png").symlink_to(root / "nowhere.png")
    found = scan(index_folder(root), LOOK, Silent())
    problems = {path: error.problem for path, error in found.bad.items()}
    assert problems == {
        "dog/cut.png": "truncated",
        "dog/empty.png": "empty",
        "dog/gone.png": "unreadable",
        "dog/same-cut.png": "truncated",
    }
    assert str(root / "dog/same-cut.png") in found.bad["dog/same-cut.png"].message
    assert len(found.sha256) == len(found.facts) == 4


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = iter([b"before", b"after"] * 9)
    monkeypatch.setattr(module, "read", lambda path: next(contents))
    monkeypatch.setattr(module, "usable_cores", lambda: 1)
    found = scan(index_folder(classes(1, ("cat",))), LOOK, Silent())
    assert {error.reason for error in found.bad.values()} == {"the file was changed while it was read"}


LOOKS = [
    Look(24, resize, background)
    for resize in ("crop", "stretch", "pad")
    for background in ("#ffffff", "#ff0000")
]


@pytest.mark.parametrize("looks", [[*LOOKS, Look(16)], [Look(16), *LOOKS[::-1]]], ids=["there", "back"])
def test_ways_of_looking_do_not_mix(looks: list[Look], write: Write, tmp_path: Path) -> None:
    glass = Image.effect_noise((60, 40), 80).convert("LA")
    glass.putalpha(100)
    write(tmp_path / "data/cat/0.png", glass)
    write(tmp_path / "data/dog/0.png", 7)
    index = index_folder(tmp_path / "data")
    for look in looks:
        digests = list(scan(index, look, Silent()).sha256.values())
        expected = np.stack([load_pixels(index.file(item), look) for item in index.items])
        np.testing.assert_array_equal(pixel_view(digests, look)[:], expected)


def test_facts_do_not_depend_on_what_was_looked_at_before(write: Write, tmp_path: Path) -> None:
    """A JPEG that may be shrunk while it is decoded has a slightly different thumbnail."""
    write(tmp_path / "data/cat/0.jpg", Image.effect_noise((2400, 2400), 60).convert("RGB"))
    write(tmp_path / "data/dog/0.png", 7)
    index = index_folder(tmp_path / "data")
    small, large = (scan(index, Look(side), Silent()).facts for side in (16, 1200))
    assert (small["thumbnail"] != large["thumbnail"]).any()
    np.testing.assert_array_equal(scan(index, Look(17), Silent()).facts, small)
    np.testing.assert_array_equal(scan(index, None, Silent()).facts, small)


def test_another_decoder_decodes_anew(classes: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_folder(classes(1))
    scan(index, LOOK, Silent())
    with monkeypatch.context() as patch:
        patch.setattr(cache_key, "digest_code", lambda modules: "other")
        progress = Counting()
        scan(index, LOOK, progress)
        assert progress.stages["decoding"] == [2, 2]
    scan(index, None, progress := Counting())
    assert "decoding" not in progress.stages


def test_work_in_threads_keeps_the_order_and_a_bounded_lead() -> None:
    threads: set[int] = set()
    started = 0

    def slow(number: int) -> int:
        threads.add(threading.get_ident())
        time.sleep(0.001 * (number % 3))
        return number * number

    def tasks() -> Iterator[int]:
        nonlocal started
        for number in range(400):
            started += 1
            yield number

    results = in_order(slow, tasks())
    assert next(results) == 0
    assert started <= 16 * usable_cores() + 2
    assert list(results) == [number * number for number in range(1, 400)]
    assert len(threads) <= usable_cores()


def test_an_error_in_a_thread_arrives() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda number: 1 // number, [1, 0, 1]))
