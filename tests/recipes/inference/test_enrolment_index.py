from pathlib import Path

import numpy as np
import pytest

from dlpractice.errors import DataError, ModelError
from dlpractice.recipes.inference.enrolment_index import Enrolment, read_index, refuse_foreign, write_index
from dlpractice.recipes.run.model_note import Comparison, Curve

_NAMES = ("Αθήνα", "b/c", "with space")
_COMPARISON = Comparison(
    similarity="Cosine",
    settings={"scale": 5.0},
    verdict=Curve(slope=2.0, intercept=-1.0, threshold=0.7, false_accept_rate=0.05),
)
_ENROLMENT = Enrolment(_NAMES, np.arange(12, dtype=np.float32).reshape(3, 4) / 7)


def test_what_was_kept_comes_back_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "index"
    write_index(path, _ENROLMENT, "abc", _COMPARISON)
    assert [entry.name for entry in tmp_path.iterdir()] == ["index"]
    found = read_index(path, "abc")
    assert found.class_names == _NAMES
    np.testing.assert_array_equal(found.embeddings, _ENROLMENT.embeddings)
    assert found.embeddings.dtype == np.float32
    with np.load(path, allow_pickle=False) as plain:
        assert plain["schema"] == 1
        assert Comparison.model_validate_json(plain["comparison"].tolist()) == _COMPARISON
    write_index(
        path, Enrolment(("x",), np.ones((1, 2), np.float32)), "def", _COMPARISON
    )  # an index gives way
    assert read_index(path, "def").class_names == ("x",)


def test_an_index_of_another_net_is_refused(tmp_path: Path) -> None:
    write_index(tmp_path / "i.npz", _ENROLMENT, "abc", _COMPARISON)
    with pytest.raises(ModelError, match=r"i\.npz was made with another run's net"):
        read_index(tmp_path / "i.npz", "abd")


def test_what_is_no_index_is_neither_read_nor_overwritten(tmp_path: Path) -> None:
    good = tmp_path / "good"
    write_index(good, _ENROLMENT, "abc", _COMPARISON)
    contents = {
        "text": b"my thesis",
        "empty": b"",
        "cut": good.read_bytes()[:300],
        "flipped": good.read_bytes().replace(b"PK\x01\x02", b"PK\x00\x00"),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    np.save(tmp_path / "array.npy", np.ones(3))
    np.savez(tmp_path / "pickle.npz", format=np.array([{}], object))
    for name in (*contents, "other.npz", "array.npy", "pickle.npz"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(DataError, match=r"index"):
            read_index(tmp_path / name, "abc")
        with pytest.raises(DataError, match="is kept as it is"):
            write_index(tmp_path / name, _ENROLMENT, "abc", _COMPARISON)
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(DataError, match="there is no index"):
        read_index(tmp_path / "none", "abc")
    with pytest.raises(DataError, match="is kept as it is"):
        refuse_foreign(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        refuse_foreign(tmp_path / "none" / "i.npz")


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"schema": np.array(2)}, "layout 2"),
        ({"embeddings": np.ones((2, 4), np.float32)}, "damaged"),
        ({"embeddings": np.ones(3, np.float32)}, "damaged"),
        ({"embeddings": np.ones((3, 4))}, "damaged"),
        ({"class_names": np.arange(3)}, "damaged"),
    ],
)
def test_other_layouts_and_damage_are_told(
    tmp_path: Path, changed: dict[str, np.ndarray], match: str
) -> None:
    write_index(tmp_path / "i", _ENROLMENT, "abc", _COMPARISON)
    with np.load(tmp_path / "i") as loaded:
        arrays = dict(loaded)
    with (tmp_path / "i").open("wb") as file:
        np.savez(file, **{**arrays, **changed})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=match):
        read_index(tmp_path / "i", "abc")
