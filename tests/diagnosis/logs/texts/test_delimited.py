"""CSV in the manners of many."""

import numpy as np
import pytest

from dlpractice.diagnosis.logs.texts.delimited import is_table, tabulate_csv
from dlpractice.errors import RunError


@pytest.mark.parametrize(
    "text",
    [
        "epoch,loss\n1,0.5\n2,0.25\n",
        "\ufeffepoch,loss\r\n1,0.5\r\n2,0.25\r\n",
        "  epoch ,      loss\n     1,   0.5\n     2,  0.25\n",
        "sep=;\nepoch;loss\n1;0,5\n2;0,25\n",
        "# written by hand\nepoch\tloss\n1\t0.5\n\n2\t0.25\n",
        "# epoch loss\n1 0.5\n2 0.25\n",
        "| epoch | loss |\n|---|---|\n| 1 | 0.5 |\n| 2 | 0.25 |\n",
        "Training began\nepoch     loss\n1         0.5\n2         0.25\n",
        'epoch,loss\n"1","0.5"\n"2","0.25"',
    ],
)
def test_the_same_table(text: str) -> None:
    table = tabulate_csv("log", "CSV log", text)
    assert table.columns["epoch"].values.tolist() == [1.0, 2.0]
    assert table.columns["loss"].values.tolist() == [0.5, 0.25]
    assert is_table(text) or text.startswith("Training")


def test_a_header_that_comes_again_begins_anew() -> None:
    text = "epoch,train_loss,time\n0,1.5,00:10\nepoch,train_loss,time\n0,0.8,00:10\n1,0.6,00:11\n"
    table = tabulate_csv("log", "CSV log", text)
    assert table.starts == (1,)
    assert table.columns["train_loss"].values.tolist() == [1.5, 0.8, 0.6]
    assert table.texts["time"] == ["00:10", "00:10", "00:11"]


def test_lines_that_end_early_or_late_and_names_that_come_twice() -> None:
    table = tabulate_csv("log", "CSV log", "loss,loss,acc\n1,2,3,4\n5\n")
    assert table.columns["loss.1"].rows.tolist() == [0]
    assert table.columns["loss"].values.tolist() == [1.0, 5.0]
    assert table.notes == ("1 lines have more cells than the header; those cells were not read",)


def test_numbers_without_names_get_some() -> None:
    table = tabulate_csv("log", "CSV log", "1,0.5\n2,0.25\n")
    assert table.columns["column 2"].values.tolist() == [0.5, 0.25]


def test_what_is_no_table() -> None:
    assert tabulate_csv("log", "CSV log", "").length == 0
    with pytest.raises(RunError, match="log is no CSV that can be read: field larger"):
        tabulate_csv("log", "CSV log", f"epoch,loss\n1,{'x' * 200_000}\n")
    assert not is_table("numpy==1.26\ntorch==2.0\n")
    assert not is_table("label,file\ncat,a.png\n")


def test_plain_numbers_are_read_as_all_others_are() -> None:
    """NumPy reads these texts at once. A word at the end makes the same rows go the other way."""
    rng = np.random.default_rng(0)
    cells = [["" if empty else f"{v:.4g}" for v, empty in zip(*row, strict=True)]
             for row in zip(rng.normal(size=(40, 4)), rng.random((40, 4)) < 0.4, strict=True)]  # fmt: skip
    body = "\n".join(",".join(["1", *row]) for row in cells)
    head = "epoch,a,b,loss,val_loss\n"
    plain, other = (tabulate_csv("log", "", head + body + end) for end in ("\n", "\n,,,,low\n"))
    for name in head.strip().split(","):
        assert plain.columns[name].rows.tolist() == other.columns[name].rows.tolist()
        assert plain.columns[name].values.tolist() == other.columns[name].values.tolist()
    assert other.columns["val_loss"].flaw == ("log:42", "low")
