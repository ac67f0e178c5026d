"""Tables at 80 columns: that they fit, and that every figure is the document's."""

from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console, RenderableType

from dlpractice.report.result_tables import (
    comparison_table,
    runs_comparison_table,
    runs_table,
    summary_table,
)

Render = Callable[[RenderableType], list[str]]
SOURCE = "Somebody, A lecture with quite a long title on what is to be expected, Somewhere 2018"


@pytest.fixture
def render() -> Render:
    """The lines on a terminal of 80 columns, none of which is wider or cut short."""

    def lines(table: RenderableType) -> list[str]:
        console = Console(width=80, markup=False, highlight=False)
        with console.capture() as capture:
            console.print(table)
        shown = [line.rstrip() for line in capture.get().splitlines()]
        assert max(len(line) for line in shown) <= 80
        assert "…" not in capture.get()
        return shown

    return lines


def measure(value: float, low: float, high: float, n: int = 500, **more: Any) -> dict[str, Any]:
    return {"value": value, "ci95": [low, high], "n": n, "kind": "measured", **more}


def comparison_row(strategy: str = "head", **changes: Any) -> dict[str, Any]:
    row = {
        "strategy": strategy,
        "seeds": [0],
        "trainable_parameters": 1026,
        "val_accuracy": measure(0.984, 0.969, 0.992, 480),
        "test_accuracy": measure(0.966, 0.946, 0.979),
        "difference": measure(-0.024, -0.038, -0.009),
        "seconds": 12.6,
        "published": None,
        "runs": [f"{strategy}/seed-0"],
    }
    return row | changes


def published(value: float, text: str | None = None) -> dict[str, Any]:
    entry = {"value": value, "source": SOURCE, "kind": "published"}
    return entry | ({"text": text} if text else {})


def joined(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_comparison_shows_each_figure(render: Render) -> None:
    rows = [
        comparison_row("scratch", published=published(0.8, "75-80"), trainable_parameters=1_616_042),
        comparison_row("head", published=published(0.9)),
        comparison_row("top-block", difference=None, seconds=1234.5),
    ]
    lines = render(comparison_table({"rows": rows}))
    assert lines[1].split() == [
        "strategy",
        "params",
        "val",
        "test",
        "95",
        "%",
        "best",
        "95",
        "%",
        "s",
        "lished",
    ]
    scores = ["98.4", "96.6", "94.6-97.9"]
    assert lines[2].split() == ["scratch", "1.6", "M", *scores, "-2.4", "-3.8,-0.9", "13", "75-80"]
    assert lines[3].split() == ["head", "1.0", "k", *scores, "-2.4", "-3.8,-0.9", "13", "90.0"]
    assert lines[4].split() == ["top-block", "1.0", "k", *scores, "best", "1,234"]
    note = joined(lines[5:])
    assert "measured here: accuracy in % of 480 validation and 500 test images" in note
    assert "to best: paired difference on test, in points" in note
    assert "s: wall seconds of a run" in note
    assert note.endswith(f"published, on other test images: {SOURCE}")


def test_comparison_without_published_figures_has_no_column_for_them(render: Render) -> None:
    lines = render(comparison_table({"rows": [comparison_row(difference=None)]}))
    assert "lished" not in joined(lines)


@pytest.mark.parametrize(
    ("shared", "words"), [(41.4, "wall seconds of a run; 41 more were spent once"), (0.001, ""), (None, "")]
)
def test_comparison_says_what_runs_share(shared: float | None, words: str, render: Render) -> None:
    document = {"rows": [comparison_row()], "shared_seconds": shared}
    note = joined(render(comparison_table(document)))
    assert words in note
    assert ("spent once" in note) == bool(words)


def test_images_in_groups_have_both_numbers(render: Render) -> None:
    rows = [
        comparison_row(
            val_accuracy=measure(0.9, 0.8, 1.0, 180, groups=12),
            test_accuracy=measure(0.9, 0.8, 1.0, 195, groups=13),
        )
    ]
    text = " ".join(" ".join(render(comparison_table({"rows": rows}))).split())
    assert "180 validation images of 12 groups and 195 test images of 13 groups" in text
    results = {"test_accuracy": measure(0.9, 0.8, 1.0, 1200, groups=80)}
    header, row = render(summary_table({"results": results}))
    assert "n  groups" in header and "1,200      80" in row


def test_comparison_over_seeds_has_their_spread(render: Render) -> None:
    test = measure(0.966, 0.946, 0.979, std_over_seeds=0.0123)
    lines = render(comparison_table({"rows": [comparison_row(test_accuracy=test, seeds=[0, 1, 2])]}))
    assert "96.6±1.2" in lines[2]
    assert "mean ± standard deviation over 3 seeds" in joined(lines)


def test_comparison_at_its_widest_fits(render: Render) -> None:
    names = [f"linear@block{block}" for block in range(1, 10)] + ["scratch", "top-block", "full"]
    rows = [
        comparison_row(
            name,
            seeds=list(range(20)),
            trainable_parameters=138_357_544,
            test_accuracy=measure(0.566, 0.546, 0.579, std_over_seeds=0.1234),
            difference=measure(-0.424, -0.538, -0.309),
            seconds=12345.6,
            published=published(0.8, "75-80"),
        )
        for name in names
    ]
    lines = render(comparison_table({"rows": rows, "shared_seconds": 123456.0}))
    assert "seconds" in joined(lines)
    assert [line for line in lines if line.startswith("top-block")]


def test_comparison_survives_what_is_not_a_number(render: Render) -> None:
    nothing = {"value": None, "ci95": [None, None], "n": 500, "kind": "measured"}
    lines = render(comparison_table({"rows": [comparison_row(test_accuracy=nothing, difference=nothing)]}))
    assert lines[2].split() == ["head", "1.0", "k", "98.4", "-", "-", "-", "-", "13"]


def test_summary(render: Render) -> None:
    results = {
        "test_accuracy": measure(0.966, 0.946, 0.979),
        "lecture": measure(0.9, 0.8, 0.95, 1000, kind="published", source=SOURCE),
    }
    lines = render(summary_table({"results": results}))
    assert lines[1].split() == ["test", "accuracy", "96.6", "94.6-97.9", "500", "measured"]
    assert "published:" in joined(lines)


def run_row(path: str, **changes: Any) -> dict[str, Any]:
    row = {
        "path": path,
        "command": "finetune",
        "strategy": "linear@block3",
        "source": "cats-dogs",
        "state": "finished",
        "test_accuracy": measure(0.966, 0.946, 0.979),
        "result": "test_accuracy",
        "written": "2026-01-02T03:04:05+01:00",
        "problem": "",
    }
    return row | changes


def test_runs(render: Render) -> None:
    path = "runs/finetune/cats-dogs-20260102-030405/linear@block3/seed-0"
    lines = render(
        runs_table(
            [
                run_row(path),
                run_row("b", state="unfinished", test_accuracy=None),
                run_row(
                    "c",
                    state="unreadable",
                    test_accuracy=None,
                    command="",
                    strategy="",
                    source="",
                    problem="why",
                ),
            ]
        )
    )
    assert lines[1] == path  # in one piece, to be copied
    assert lines[2].split() == [
        "96.6", "94.6-97.9", "2026-01-02", "03:04", "finetune", "linear@block3", "cats-dogs"
    ]  # fmt: skip
    assert lines[4].split()[:2] == ["-", "unfinished"]
    assert lines[6].split()[:2] == ["-", "unreadable"]
    assert lines[7].strip() == "why"
    assert lines[0].index("last written") == lines[2].index("2026")
    assert lines[0].index("command") == lines[2].index("finetune")


def test_the_number_of_a_one_shot_run_has_its_protocols_name(render: Render) -> None:
    row = run_row("a", command="oneshot", strategy="siamese", source="omniglot", result="lake-20")
    assert [line.strip() for line in render(runs_table([row]))[2:]] == [
        "96.6   94.6-97.9  2026-01-02 03:04  oneshot siamese omniglot",
        "protocol lake-20",
    ]


def test_runs_of_long_names(render: Render) -> None:
    render(runs_table([run_row("x" * 200, source="/a/long/path" * 20, problem="why " * 50)]))


def test_runs_compared(render: Render) -> None:
    runs = [
        {
            "path": "runs/[a]",
            "results": {"test_accuracy": measure(0.9, 0.8, 0.95)},
            "difference": None,
            "note": "",
        },
        {
            "path": "runs/b",
            "results": {"val_accuracy": measure(0.8, 0.7, 0.9), "test_accuracy": measure(0.95, 0.9, 0.99)},
            "difference": measure(0.05, -0.01, 0.11),
            "note": "",
        },
        {"path": "runs/c", "results": {}, "difference": None, "note": "not finished"},
    ]
    config = {"training.epochs": [30, 60, None], "data.source": ["cats-dogs", "/a/long/path" * 5, "(absent)"]}
    lines = render(runs_comparison_table({"config": config, "runs": runs}))
    assert lines[:3] == ["A  runs/[a]", "B  runs/b", "C  runs/c"]
    assert any(line.split() == ["training.epochs", "30", "60", "-"] for line in lines)
    assert any(line.split() == ["A", "test", "accuracy", "90.0", "80.0-95.0", "500"] for line in lines)
    assert any(line.split()[:3] == ["B", "val", "accuracy"] and "+5.0" not in line for line in lines)
    assert any(line.split()[-2:] == ["+5.0", "-1.0,+11.0"] for line in lines)
    assert lines[-1] == "C: not finished"
    assert "too few images to tell from A: B; about 4,500 images could tell" in " ".join(lines)


def test_runs_with_the_same_config(render: Render) -> None:
    run = {"path": "a", "results": {}, "difference": None, "note": "not finished"}
    assert "The configs are the same." in render(runs_comparison_table({"config": {}, "runs": [run, run]}))


def test_one_shot_runs_compared_by_their_headline(render: Render) -> None:
    results = {"lake-20": measure(0.9, 0.8, 0.95), "lake-extended": measure(0.88, 0.8, 0.95)}
    run = {"path": "a", "results": results, "difference": None, "note": ""}
    other = run | {"difference": measure(0.05, -0.01, 0.11)}
    lines = render(runs_comparison_table({"config": {}, "runs": [run, other]}))
    (paired,) = (line for line in lines if "+5.0" in line)
    assert paired.split()[:2] == ["B", "lake-20"]


def test_many_runs_have_names_of_their_own(render: Render) -> None:
    runs = [{"path": f"run{index}", "results": {}, "difference": None, "note": ""} for index in range(30)]
    lines = render(runs_comparison_table({"config": {}, "runs": runs}))
    assert len({line.split()[0] for line in lines[:30]}) == 30
