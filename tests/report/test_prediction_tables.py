"""Tables of answers that go on as more come."""

from rich.console import Console, Group, RenderableType

from dlpractice.report.prediction_tables import PredictionsTable, describe_abstention


def render(*parts: RenderableType) -> list[str]:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(Group(*parts))
    return [line.rstrip() for line in capture.get().splitlines()]


ROWS = [
    {"path": "[red]/a.png", "predicted": "cat", "confidence": 0.987, "top": []},
    {"path": "deep/" * 30 + "b.png", "predicted": "a class of a long name" * 3, "confidence": 1.0},
    {"path": "c.png", "error": "the file is empty (0 bytes)"},
]


def test_predictions() -> None:
    lines = render(PredictionsTable().draw(ROWS))
    assert lines[1].split() == ["[red]/a.png", "cat", "98.7"]
    assert lines[-1].split(maxsplit=1) == ["c.png", "the file is empty (0 bytes)"]
    assert max(map(len, lines)) <= 80


def test_columns_go_on_where_they_were() -> None:
    table = PredictionsTable(top=2)
    top = [{"label": "cat", "confidence": 0.8}, {"label": "dog", "confidence": 0.15}]
    long, short = (
        {"path": path, "predicted": "cat", "confidence": 0.8, "top": top} for path in ("long/a.png", "b")
    )
    lines = render(table.draw([long]), table.draw([short], first=False))
    assert lines[0].split() == ["image", "predicted", "%", "2.", "%"]
    assert lines[1].split() == ["long/a.png", "cat", "80.0", "dog", "15.0"]
    assert lines[2] == lines[1].replace("long/a.png", "b         ")


def test_what_is_known_of_the_answers_that_are_given() -> None:
    accuracy = {"value": 0.98, "ci95": [0.95, 0.99], "n": 450}
    said = describe_abstention(0.83, {"coverage": 0.9, "accuracy": accuracy})
    assert "below 83.0 %" in said and "; 90.0 %" in said and "98.0 % (95.0-99.0, n = 450)" in said
    assert "not known" in describe_abstention(0.83, None)
