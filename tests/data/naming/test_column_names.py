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
        ("image_id,dx", 0, 1),
        ("id,breed", 0, 1),
        ("image,choice", 0, 1),
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
    columns = assign_columns(["id", "image", "label"], [["2", "x", "y"], ["1", "x", "y"]])
    assert (columns.numbering, columns.unused) == ((), (0,))


def test_what_is_not_asked_for_is_told_apart() -> None:
    header = ["path", "label", "width", "bbox", "", ""]
    columns = assign_columns(header, [["a", "x", "40", "[1, 2]", "7", ""], ["b", "y", "40", "", "3", ""]])
    assert columns.places == {"path": 0, "label": 1}
    # The last column has neither a name nor values.
    assert (columns.numbering, columns.unused) == ((4,), (2, 3))


def test_a_column_called_just_like_what_it_holds_is_taken_before_others() -> None:
    columns = assign_columns(["path", "label", "class_name", "filename", "class_id"], [])
    assert (columns.places, columns.unused) == ({"path": 0, "label": 1}, (2, 3, 4))
    with pytest.raises(UnknownColumnsError, match="columns label and label may each hold the label"):
        assign_columns(["path", "label", "label"], [])


@pytest.mark.parametrize("name", ["patient_id", "Subject", "lesion_id", "video"])
def test_images_of_one_person_or_film_belong_together(name: str) -> None:
    assert assign_columns(["path", "label", name], []).places["group"] == 2


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [("is_valid", "validation", "train"), ("isTest", "test", "train"), ("is_training_img", "train", "test")],
)
def test_a_split_in_yes_and_no(name: str, yes: str, no: str) -> None:
    rows = [["a", "x", "True"], ["b", "x", "0"], ["c", "x", "perhaps"], ["d", "x", "1.0"]]
    columns = assign_columns(["path", "label", name], rows)
    assert columns.places["split"] == 2
    assert columns.words == {"True": yes, "0": no, "1.0": yes}


@pytest.mark.parametrize("name", ["fold", "kfold", "spilt", "splt", "gruop"])
def test_what_may_say_how_images_are_divided_is_not_passed_over(name: str) -> None:
    with pytest.raises(UnknownColumnsError, match=f"column {name} seems to say how the images are divided"):
        assign_columns(["path", "label", name], [])


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("image,kind", "name the column that holds the label of an image label, if it is one of kind"),
        ("cat/1.png,cat", "put the line path,label above it"),
        ("# by hand", "the first line has to name the columns"),
        ("path,label,spilt", "name it split"),
        ("image,file,label", "keep one of them, and name it path"),
        ("path,label,patient,study_id", "keep one of them, and name it group"),
    ],
)
def test_the_way_out(header: str, hint: str) -> None:
    with pytest.raises(UnknownColumnsError) as caught:
        assign_columns(header.split(","), [])
    assert hint in caught.value.hint


def test_labels_in_a_column_each() -> None:
    with pytest.raises(UnknownColumnsError) as caught:
        assign_columns(
            ["filename", "cat", "dog", "sharpness"], [["a", "1", "0", "0.7"], ["b", "0", "1", "0.1"]]
        )
    assert caught.value.hint == "write into one column label which of cat, dog holds the 1"
