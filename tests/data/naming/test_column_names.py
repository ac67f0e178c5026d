import pytest

from dlpractice.data.naming.column_names import UnknownColumnsError, assign_columns


@pytest.mark.parametrize(
    ("header", "path", "label"),
    [
        ("path,label", 0, 1),
        ("filename,class", 0, 1),
        ("image,label", 0, 1),
        ("file,category", 0, 1),
        ("Class-Name,Image_Path", 1, 0),
        ("filepaths,labels", 0, 1),
        ("image_id,category_name", 0, 1),
        ("id,classes", 0, 1),
        ("target,fname", 1, 0),
    ],
)
def test_names_that_are_usual(header: str, path: int, label: int) -> None:
    assert assign_columns(header.split(","), []).places == {"path": path, "label": label}


def test_splits_and_groups() -> None:
    columns = assign_columns(["file", "data set", "groups", "tag"], [])
    assert columns.places == {"path": 0, "split": 1, "group": 2, "label": 3}


def test_an_identifier_is_a_path_only_where_nothing_else_is() -> None:
    columns = assign_columns(["id", "image", "label"], [["1", "x", "y"], ["2", "x", "y"]])
    assert (columns.places, columns.numbering) == ({"path": 1, "label": 2}, (0,))
    with pytest.raises(UnknownColumnsError, match="column id is not known"):
        assign_columns(["id", "image", "label"], [["2", "x", "y"], ["1", "x", "y"]])


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("image,species", "name the column that holds the label of an image label, if it is one of species"),
        ("cat/1.png,cat", "put the line path,label above it"),
        ("path,label,spilt", "or name it split"),
        ("path,image,label", "keep one of them, and name it path"),
    ],
)
def test_the_way_out(header: str, hint: str) -> None:
    with pytest.raises(UnknownColumnsError) as caught:
        assign_columns(header.split(","), [])
    assert hint in caught.value.hint
