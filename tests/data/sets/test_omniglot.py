import time
from typing import Any

import numpy as np
import pytest

from dlpractice.data.examples import Examples
from dlpractice.data.sets import omniglot_archives
from dlpractice.data.sets.catalogue import CATALOGUE, OMNIGLOT_FILE, find, state
from dlpractice.data.sets.omniglot import Omniglot, read_omniglot, split_as_vinyals, vinyals_test_classes
from dlpractice.errors import DataError

# The evaluation alphabets and their numbers of characters, as in the published archives.
EVALUATION = {
    "Angelic": 20,
    "Atemayar_Qelisayer": 26,
    "Atlantean": 26,
    "Aurek-Besh": 26,
    "Avesta": 26,
    "Ge_ez": 26,
    "Glagolitic": 45,
    "Gurmukhi": 45,
    "Kannada": 41,
    "Keble": 26,
    "Malayalam": 47,
    "Manipuri": 40,
    "Mongolian": 30,
    "Old_Church_Slavonic_(Cyrillic)": 45,
    "Oriya": 46,
    "Sylheti": 28,
    "Syriac_(Serto)": 23,
    "Tengwar": 25,
    "Tibetan": 42,
    "ULOG": 26,
}


def test_every_drawing_comes_back_with_its_names_and_drawer(tiny_omniglot: Any) -> None:
    omniglot = read_omniglot()
    for part, examples in (
        ("images_background", omniglot.background),
        ("images_evaluation", omniglot.evaluation),
    ):
        paths = sorted(path for path in tiny_omniglot.drawings if path.startswith(part))
        assert examples.paths == tuple(paths)
        assert examples.pixels.dtype == np.uint8
        for number, path in enumerate(paths):
            _, alphabet, character, file = path.split("/")
            assert examples.alphabet_names[examples.alphabets[number]] == alphabet
            assert examples.class_names[examples.classes[number]] == f"{alphabet}/{character}"
            assert examples.drawers[number] == int(file[5:7]) - 1
            expected = np.where(tiny_omniglot.drawings[path], 255, 0)
            np.testing.assert_array_equal(examples.pixels[number, :, :, 0], expected)
    assert omniglot.background.alphabet_names == ("Greek", "Korean", "Latin")
    assert len(set(omniglot.evaluation.sha256)) == 140


def test_runs_say_where_their_drawings_lie(tiny_omniglot: Any) -> None:
    omniglot = read_omniglot()
    paths = omniglot.evaluation.paths
    for run, (name, (supports, queries, same)) in zip(omniglot.runs, tiny_omniglot.runs.items(), strict=True):
        assert run.name == name
        assert run.alphabet == supports[0].split("/")[1]
        assert [paths[index] for index in run.supports] == supports
        assert [paths[index] for index in run.queries] == queries
        assert [supports[answer] for answer in run.answers] == [same[query] for query in queries]
        for shown, drawn in ((run.supports, supports), (run.queries, queries)):
            assert set(omniglot.evaluation.drawers[shown]) == {int(path[-6:-4]) - 1 for path in drawn}


def test_the_second_read_needs_no_archive(tiny_omniglot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = CATALOGUE["omniglot"]
    assert state(row) == "local"
    first = read_omniglot()
    assert state(row) == "ready"
    monkeypatch.delenv("DLP_DATA_DIR")
    start = time.perf_counter()
    second = read_omniglot()
    assert time.perf_counter() - start < 1
    np.testing.assert_array_equal(second.evaluation.pixels, first.evaluation.pixels)
    assert second.evaluation.sha256 == first.evaluation.sha256
    assert second.digest == first.digest == omniglot_archives.DIGEST


def test_a_damaged_packed_file_is_named(tiny_omniglot: Any) -> None:
    file = find("omniglot") / OMNIGLOT_FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=OMNIGLOT_FILE) as caught:
        read_omniglot()
    assert "delete the folder" in caught.value.hint
    file.write_bytes(content[:1000])
    with pytest.raises(DataError, match="damaged"):
        read_omniglot()


def test_vinyals_classes_are_the_published_ones() -> None:
    def empty(alphabets: dict[str, int]) -> Examples:
        names = tuple(
            f"{name}/{n + 1:02d}" for name, count in sorted(alphabets.items()) for n in range(count)
        )
        none = np.empty(0, np.int64)
        pixels = np.empty((0, 105, 105, 1), np.uint8)
        return Examples(pixels, none, none, none, tuple(sorted(alphabets)), names, (), ())

    omniglot = Omniglot(empty({"background": 964}), empty(EVALUATION), (), "")
    names = [omniglot.evaluation.class_names[code] for code in vinyals_test_classes(omniglot)]
    assert len(names) == 423
    assert names[:4] == [f"Gurmukhi/{number}" for number in (42, 43, 44, 45)]
    whole = {name: count for name, count in EVALUATION.items() if name >= "Kannada"}
    assert len(whole) == 12
    assert names[4:] == [f"{name}/{n + 1:02d}" for name, count in whole.items() for n in range(count)]


def test_the_usual_split_counts_as_published_and_shares_no_class() -> None:
    held_out = {"Armenian": 41, "Bengali": 46, "Early_Aramaic": 22, "Hebrew": 22, "Mkhedruli_(Georgian)": 41}

    def two_of_each(alphabets: dict[str, int]) -> Examples:
        names = sorted(alphabets)
        classes = [f"{name}/{n + 1:02d}" for name in names for n in range(alphabets[name])]
        codes = np.repeat(np.arange(len(classes)), 2)
        inside = np.repeat(np.repeat(np.arange(len(names)), [alphabets[name] for name in names]), 2)
        texts = tuple(f"{classes[code]}/{n}" for n, code in enumerate(codes))
        pixels = np.empty((len(codes), 1, 1, 1), np.uint8)
        return Examples(
            pixels, inside, codes, np.tile([0, 1], len(classes)), tuple(names), tuple(classes), texts, texts
        )

    background = two_of_each(held_out | {"Zed": 964 - sum(held_out.values())})
    omniglot = Omniglot(background, two_of_each(EVALUATION), (), "")
    train, validation, test = split_as_vinyals(omniglot)
    classes = [set(part.classes.tolist()) for part in (train, validation, test)]
    assert [len(part) for part in classes] == [1028, 172, 423]
    assert not (classes[0] & classes[1] or classes[0] & classes[2] or classes[1] & classes[2])
    assert set(validation.present_alphabets()) == set(held_out)
    tested = {test.class_names[code] for code in test.classes}
    assert tested == {omniglot.evaluation.class_names[code] for code in vinyals_test_classes(omniglot)}
    assert all(
        test.alphabet_names[a] == test.class_names[c].split("/")[0]
        for a, c in zip(test.alphabets, test.classes, strict=True)
    )
