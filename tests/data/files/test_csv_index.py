from pathlib import Path

import pytest

from dlpractice.data.files.csv_index import index_csv
from dlpractice.data.files.index_items import Item
from dlpractice.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "sub/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_all_columns_in_any_order_with_a_byte_order_mark(folder: Path) -> None:
    rows = [
        "\ufeffLabel, path,group,split",
        "dog,b.png,g1,val",
        "",
        "'cat',a.png,,Train",
        "dog,sub/c.png,g1,test",
    ]
    text = "\r\n".join(rows)
    index = index_csv(table(folder, text))
    assert index.root == folder
    assert index.class_names == ("'cat'", "dog")
    assert index.items == (
        Item("a.png", "'cat'", "train", None),
        Item("b.png", "dog", "validation", "g1"),
        Item("sub/c.png", "dog", "test", "g1"),
    )


def test_paths_may_be_absolute(folder: Path) -> None:
    index = index_csv(table(folder, f"path,label\n{folder / 'a.png'},x\nb.png,y\n"))
    assert index.file(index.items[0]) == folder / "a.png"


def test_every_faulty_line_is_reported_at_once(folder: Path) -> None:
    lines = ["path,label,split", "a.png,cat,train", "none.png,cat,train", ",cat,train", "b.png,,train"]
    lines += ["sub/c.png,dog,later", "./a.png,cat,train", "sub\\c.png,dog,test"]
    with pytest.raises(DataError) as caught:
        index_csv(table(folder, "\n".join(lines)))
    reported = caught.value.details
    assert caught.value.message.endswith("has 6 faulty lines")
    assert [line.split(" ")[0].rsplit(":", 1)[1] for line in reported] == ["3", "4", "5", "6", "7", "8"]
    for line, part in zip(
        reported,
        ["no such file: none", "path must", "label must", "got later", "twice", "write / "],
        strict=True,
    ):
        assert part in line


def test_long_lists_of_faults_are_cut(folder: Path) -> None:
    with pytest.raises(DataError, match="and 30 more"):
        index_csv(table(folder, "path,label\n" + "".join(f"x{n}.png,a\n" for n in range(50))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got nothing"),
        ("file,class\na.png,x\n", "got file,class"),
        ("path,label,colour\na.png,x,red\n", "got path,label,colour"),
        ("path;label\na.png;x\n", "got path;label"),
        ("path,label\n", "lists no images"),
        ("path,label\na.png,x,y\n", ":2 has 3 fields; the header has 2"),
        ("path,label,split\na.png,x,train\nb.png,x,\n", "for 1 of 2 images"),
        ('path,label\n"a.png,x\n', "no CSV"),
        (b"path,label\na.png,caf\xe9\n", "not UTF-8"),
    ],
)
def test_what_is_no_table_of_images_is_refused(folder: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        index_csv(table(folder, text))
    assert message in caught.value.message
    assert caught.value.hint


def test_a_table_from_an_archive_stays_inside(folder: Path) -> None:
    (folder / "inner").mkdir()
    path = table(folder / "inner", "path,label\n../a.png,x\n")
    assert index_csv(path).items
    with pytest.raises(DataError, match="outside of the archive"):
        index_csv(path, confined=True)
