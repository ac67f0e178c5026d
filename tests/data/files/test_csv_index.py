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
    lines += ["sub/c.png,dog,later", "./a.png,dog,train", "https://x.org/b.png,dog,test", "a.png,cat"]
    with pytest.raises(DataError) as caught:
        index_csv(table(folder, "\n".join(lines)))
    reported = caught.value.details
    assert caught.value.message.endswith("has 7 faulty lines")
    assert [line.split(" ")[0].rsplit(":", 1)[1] for line in reported] == ["3", "4", "5", "6", "7", "8", "9"]
    for line, part in zip(
        reported,
        [
            "no such file: none",
            "path must",
            "label must",
            "got later",
            "label dog here, cat in line 2",
            "an address",
            "2 fields; the header has 3",
        ],
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
        ("id,kind\na,x\n", "no column is known to hold the label"),
        ("a.png,x\nb.png,y\n", "no column is known to hold the path"),
        ("image,filename,label\na.png,b.png,x\n", "columns image and filename may each hold the path"),
        ("path,tag,class\na.png,x,y\n", "columns tag and class may each hold the label"),
        ("path,label,splt\na.png,x,train\n", "got path,label,splt: column splt seems to say how"),
        ("path,label,is_valid\na.png,x,maybe\n", "split must be train, validation or test; got maybe"),
        ('path,label\na.png,"x\ny"\n', ":2 label 'x\\ny' must be one line"),
        ('path,label\na.png,x\nb.png,"y\n"\n', ":3 label 'y\\n' must be one line"),
        ("path,label\na.png,x\x07\n", ":2 label 'x\\x07' must be one line"),
        ('path,label,group\n\n"a.png","x","g\n1"\n', ":3 group 'g\\n1' must be one line"),
        ("path,label,split\na.png,x,dev\nb.png,x,val\n", "several words for validation: dev and val"),
        ("path,label\na.png,x\na.png,y\n", ":3 a.png is listed twice: label y here, x in line 2"),
        ("path,label,group\na.png,x,1\nsub/../a.png,x,2\n", "group 2 here, 1 in line 2"),
        ("path,label\nA.PNG,x\n", "no such file: A.PNG (there is a.png)"),
        ("path,label\nc.png,x\n", "no such file: c.png (there is sub/c.png)"),
        ("path,label\n", "lists no images"),
        ("path,label\na.png,x,y\n", ":2 has 3 fields; the header has 2"),
        ("path,label,split\na.png,x,train\nb.png,x,\n", "for 1 of 2 images"),
        ('path,label\n"a.png,x\n', "no CSV"),
        (b"path,label\na.png,\x81\n", "neither UTF-8 nor Windows-1252"),
    ],
)
def test_what_is_no_table_of_images_is_refused(folder: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        index_csv(table(folder, text))
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("C:\\Users\\me\\{}.png", "remove C:\\Users\\me\\ from each path"),
        ("/content/drive/{}.png", "remove /content/drive/ from each path"),
        ("/content/drive/{}", "remove /content/drive/ from each path"),
        ("D:/pics/far/{}.png", "write sub/ in place of D:/pics/ in each path"),
    ],
)
def test_paths_of_another_machine_and_what_to_write_instead(tmp_path: Path, written: str, hint: str) -> None:
    names = [f"i{n}" for n in range(40)]
    for name in names:
        file = tmp_path / ("sub/far" if "sub" in hint else "") / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    path = table(tmp_path, "path,label\n" + "".join(f"{written.format(name)},x\n" for name in names))
    with pytest.raises(DataError) as caught:
        index_csv(path)
    assert caught.value.hint.startswith(hint)


def test_a_split_in_yes_and_no(folder: Path) -> None:
    index = index_csv(table(folder, "fname,labels,is_valid\na.png,x,False\nb.png,x,True\n"))
    assert [item.split for item in index.items] == ["train", "validation"]
    assert "read False as train, True as validation" in [finding.message for finding in index.findings]


def test_a_table_from_an_archive_stays_inside(folder: Path) -> None:
    (folder / "inner").mkdir()
    path = table(folder / "inner", "path,label\n../a.png,x\n")
    assert index_csv(path).items
    with pytest.raises(DataError, match="outside of the archive"):
        index_csv(path, confined=True)


TWO = (Item("a.png", "x"), Item("b.png", "y"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("filename,class\na.png,x\nb.png,y\n", "read filename as path, class as label"),
        ("Image Name,Labels\na.png,x\nb.png,y\n", "read Image Name as path, Labels as label"),
        ("file;category\na.png;x\nb.png;y\n", "separated by semicolons"),
        ("path\tlabel\na.png\tx\nb.png\ty\n", "separated by tabs"),
        ("path|label\r\na.png|x\r\nb.png|y\r\n", "separated by bars"),
        ("sep=;\npath;label\na.png;x\nb.png;y\n", "separated by semicolons"),
        (",path,label\n7,a.png,x\n3,b.png,y\n", "column number 1 numbers the rows"),
        ("Unnamed: 0,path,label\n0,a.png,x\n1,b.png,y\n", "column Unnamed: 0 numbers the rows"),
        ("path,label,nr\na.png,x,1\nb.png,y,2\n", "column nr numbers the rows"),
        ("path,label,\na.png,x,\nb.png,y,\n", ""),
        ("path,label,colour\na.png,x,red\nb.png,y,red\n", "column colour is not used; a column that says"),
        ("path,label,a,b\na.png,x,3,4\nb.png,y,3,\n", "columns a, b are not used"),
        ("path;label;sure\na.png;x;0,9\nb.png;y;0,8\n", "column sure is not used"),
        ("image_id,label\na,x\nb,y\n", "2 paths found with their ending added"),
        ('path, label\n"a.png", "x"\n.\\b.png, y\n', "1 path found with / instead"),
        ("path,label\na.png,x\nb.png,y\n./b.png,y\n", "1 line names a file again"),
        ("path,label\na.png,x\nlink.png,x\nb.png,y\n", "1 line names a file again"),
        (b"\xff\xfe" + "path\tlabel\na.png\tx\nb.png\ty\n".encode("utf-16-le"), "separated by tabs"),
        ("path,label\ra.png,x\rb.png,y\r", ""),
    ],
)
def test_usual_tables_are_read_and_it_is_said_how(folder: Path, text: str | bytes, said: str) -> None:
    (folder / "link.png").symlink_to("a.png")
    index = index_csv(table(folder, text))
    assert index.items == TWO
    assert (index.class_names, index.of_table) == (("x", "y"), True)
    assert bool(index.findings) == bool(said)
    assert said in " ".join(finding.message for finding in index.findings)


def test_a_table_in_the_encoding_of_windows(folder: Path) -> None:
    (folder / "caf\u00e9.png").touch()
    text = "path,label\ncaf\u00e9.png,\u00fc\nb.png,caf\u00e9\n"
    index = index_csv(table(folder, text.encode("cp1252")))
    assert [(item.path, item.label) for item in index.items] == [
        ("b.png", "caf\u00e9"),
        ("caf\u00e9.png", "\u00fc"),
    ]
    (finding,) = index.findings
    assert finding.severity == "warning"
    assert "Windows-1252: see whether line 2 is right" in finding.message


def test_file_names_in_another_spelling_or_in_bytes(folder: Path) -> None:
    (folder / "cafe\u0301").mkdir()
    (folder / "cafe\u0301/te\u0301.png").touch()
    index = index_csv(table(folder, "path,label\ncaf\u00e9/t\u00e9.png,caf\u00e9\nb.png,cafe\u0301\n"))
    assert [item.path for item in index.items] == ["b.png", "cafe\u0301/te\u0301.png"]
    assert index.class_names == ("caf\u00e9",)
    (folder / "l\udce9t\udce9.png").touch()
    index = index_csv(table(folder, b"path,label\nl\xe9t\xe9.png,x\n"))
    assert [item.path for item in index.items] == ["l\udce9t\udce9.png"]
    assert "found by their bytes" in index.findings[-1].message


def test_groups_are_one_in_any_spelling(folder: Path) -> None:
    index = index_csv(table(folder, "path,label,group\na.png,x,\u00e9\nb.png,y,e\u0301\n"))
    assert [item.group for item in index.items] == ["\u00e9", "\u00e9"]


def test_files_that_are_all_in_a_folder_beside_the_table(folder: Path) -> None:
    (folder / "sub/d.png").touch()
    with pytest.raises(DataError) as caught:
        index_csv(table(folder, "path,label\nc.png,x\nd.png,y\n"))
    assert caught.value.hint.startswith("the files are in sub/: put the CSV there")
    with pytest.raises(DataError) as caught:
        index_csv(table(folder, "path,label\nc.png,x\nnone.png,y\n"))
    assert caught.value.hint == "correct these lines of the CSV"
