from pathlib import Path

import numpy as np
import pytest

from dlpractice.data.examples import UNKNOWN_DRAWER, Examples, concatenate
from dlpractice.data.storage.row_store import RowStore
from dlpractice.errors import DataError


def make(prefix: str = "", drawers: tuple[int, ...] = (1, 0, 1, 0, 0, 1, -1)) -> Examples:
    """Two alphabets, three classes; example k is filled with k."""
    pixels = np.arange(7, dtype=np.uint8).repeat(9).reshape(7, 3, 3, 1)
    return Examples(
        pixels=pixels,
        alphabets=np.array([0, 0, 0, 0, 1, 1, 1]),
        classes=np.array([1, 0, 0, 1, 2, 2, 2]),
        drawers=np.array(drawers),
        alphabet_names=(f"{prefix}A", f"{prefix}B"),
        class_names=(f"{prefix}A/x", f"{prefix}A/y", f"{prefix}B/x"),
        paths=tuple(f"{prefix}{number}.png" for number in range(7)),
        sha256=tuple(f"{number:064d}" for number in range(7)),
    )


def test_selected_examples_keep_what_belongs_to_them() -> None:
    chosen = make().select(np.array([5, 0]))
    assert len(chosen) == 2
    assert chosen.image_size == 3
    assert np.asarray(chosen.pixels)[:, 0, 0, 0].tolist() == [5, 0]
    assert [chosen.class_names[code] for code in chosen.classes] == ["B/x", "A/y"]
    assert [chosen.alphabet_names[code] for code in chosen.alphabets] == ["B", "A"]
    assert (chosen.paths, chosen.drawers.tolist()) == (("5.png", "0.png"), [1, 1])
    assert chosen.sha256 == (f"{5:064d}", f"{0:064d}")


def test_pixels_on_the_disk_stay_there(tmp_path: Path) -> None:
    whole = make()
    store = RowStore(tmp_path, (3, 3, 1), np.uint8)
    store.append(whole.paths, np.asarray(whole.pixels))
    chosen = Examples(**{**vars(whole), "pixels": store.view(whole.paths)}).select(np.array([6, 2]))
    assert not isinstance(chosen.pixels, np.ndarray)
    assert chosen.pixels[:][:, 0, 0, 0].tolist() == [6, 2]


def test_alphabets_are_taken_by_name() -> None:
    assert make().of_alphabets(["B"]).paths == ("4.png", "5.png", "6.png")
    assert make().of_alphabets(["B", "A"]).paths == make().paths
    assert make().of_alphabets(["B"]).present_alphabets() == ("B",)
    with pytest.raises(DataError, match="no alphabet is called C"):
        make().of_alphabets(["A", "C"])


def test_classes_list_their_examples_by_drawer() -> None:
    by_class = make().by_class()
    assert {code: indices.tolist() for code, indices in by_class.items()} == {
        0: [1, 2],
        1: [3, 0],
        2: [6, 4, 5],
    }
    assert list(make().of_alphabets(["B"]).by_class()) == [2]
    assert make().select(np.empty(0, np.int64)).by_class() == {}


def test_single_keeps_one_of_each_class_by_seed() -> None:
    kept = {make().single(seed).paths for seed in range(40)}
    assert len(kept) == 2 * 2 * 3
    assert all(sorted(make().single(seed).classes.tolist()) == [0, 1, 2] for seed in range(5))
    assert make().single(3).paths == make().single(3).paths


def test_joined_examples_keep_their_names() -> None:
    first, second = make(), make("other-", drawers=(UNKNOWN_DRAWER,) * 7)
    both = concatenate([first, second])
    for part, start in ((first, 0), (second, 7)):
        for number in range(7):
            there = start + number
            assert both.class_names[both.classes[there]] == part.class_names[part.classes[number]]
            assert both.alphabet_names[both.alphabets[there]] == part.alphabet_names[part.alphabets[number]]
            assert both.paths[there] == part.paths[number]
            assert both.drawers[there] == part.drawers[number]
            np.testing.assert_array_equal(both.pixels[there], part.pixels[number])
    assert concatenate([first]).class_names == first.class_names


def test_what_cannot_be_joined_is_an_error() -> None:
    with pytest.raises(DataError, match="alphabet called A, B"):
        concatenate([make(), make()])
    other = make("other-")
    large = Examples(**{**vars(other), "pixels": np.zeros((7, 4, 4, 1), np.uint8)})
    with pytest.raises(DataError, match="different shapes"):
        concatenate([make(), large])
