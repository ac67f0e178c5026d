from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image

from dlpractice.report.figures import MEASURED, PUBLISHED
from dlpractice.report.oneshot_figures import (
    comparison_figure,
    draw_comparison,
    draw_embedding,
    draw_failures,
    draw_training_pairs,
    embedding_figure,
    failures_figures,
    training_pairs_figure,
)


@dataclass(frozen=True)
class Failure:
    title: str
    query: NDArray[np.uint8]
    supports: NDArray[np.uint8]
    scores: NDArray[np.float64]
    true: int
    predicted: int


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def failure(ways: int = 20, true: int = 3, predicted: int = 14) -> Failure:
    scores = np.arange(ways) / 7
    return Failure("task 1, Greek", noise(9, 9, 1), noise(ways, 9, 9, 1), scores, true, predicted)


def frames(figure: Any) -> list[tuple[float, float, Any]]:
    """Left and top of every frame, and its colour."""
    patches = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    return [(patch.get_x(), patch.get_y(), patch.get_edgecolor()) for patch in patches]


def words(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("channels", [1, 3])
def test_pairs_are_two_by_two_and_labelled(channels: int) -> None:
    images, same = noise(14, 8, 8, channels), np.array([1, 0, 1, 1, 0, 0, 1], bool)
    figure = draw_training_pairs(images, same)
    shown = [np.asarray(drawn.get_array()) for drawn in figure.axes[0].images]
    np.testing.assert_array_equal(np.stack(shown), images[..., 0] if channels == 1 else images)
    assert words(figure)[1:] == ["same" if one else "different" for one in same]
    colours = [colour for _, _, colour in frames(figure)]
    assert all(
        same_color(colour, MEASURED if one else PUBLISHED) for colour, one in zip(colours, same, strict=True)
    )
    # The second image of a pair is beside the first; the seventh pair begins a new row.
    left = [drawn.get_extent()[0] for drawn in figure.axes[0].images]
    assert [b - a for a, b in zip(left[::2], left[1::2], strict=True)] == [1] * 7
    assert frames(figure)[6][:2] == (0, pytest.approx(1.4))


def test_a_failure_frames_the_true_class_and_the_chosen_one() -> None:
    figure = draw_failures([failure()], 0, 8)
    assert words(figure)[:4] == [
        "Failed queries 1 to 1 of 1: the true class in a solid frame, the chosen one in a dashed frame",
        "task 1, Greek",
        "query",
        "0",
    ]
    assert words(figure)[4:7] == ["0.143", "0.286", "0.429"]
    extents = [drawn.get_extent() for drawn in figure.axes[0].images]
    assert len(extents) == 21  # the query, then its supports in their order
    (true_x, true_y, true_colour), (chosen_x, chosen_y, chosen_colour) = frames(figure)
    assert (true_x, true_y) == (extents[1 + 3][0], extents[1 + 3][3])
    assert (chosen_x, chosen_y) == (extents[1 + 14][0], extents[1 + 14][3])
    assert same_color(true_colour, MEASURED)
    assert same_color(chosen_colour, PUBLISHED)
    styles = [patch.get_linestyle() for patch in figure.axes[0].patches]
    assert styles == ["-", "--"]


def test_a_tie_has_no_chosen_class_and_says_so() -> None:
    figure = draw_failures([failure(5, predicted=-1)], 0, 8)
    assert len(frames(figure)) == 1
    assert "task 1, Greek: undecided" in words(figure)


def test_failures_are_eight_a_page_and_pages_say_of_how_many(tmp_path: Path) -> None:
    def name(page: int) -> Path:
        return tmp_path / f"failures-{page}.png"

    small = failure(2, true=0, predicted=1)
    assert failures_figures([], name) == []
    pages = failures_figures([small] * 9, name)
    assert [page.name for page in pages] == ["failures-1.png", "failures-2.png"]
    assert sorted(tmp_path.iterdir()) == pages
    many = [small] * 1000
    assert words(draw_failures(many, 8, 16))[0].startswith("Failed queries 9 to 16 of 1,000:")
    assert len(failures_figures(many, name)) == 8


def test_classes_of_the_embedding_differ_in_colour_or_marker() -> None:
    labels = np.repeat(np.arange(12), 3)
    points = np.random.default_rng(0).normal(size=(36, 2))
    names = [f"Greek/character{code:02d}" for code in range(12)]
    figure = draw_embedding(points, labels, names)
    clouds = figure.axes[0].collections
    for code, cloud in enumerate(clouds):
        np.testing.assert_allclose(np.asarray(cloud.get_offsets()), points[labels == code])
    looks = {(tuple(cloud.get_facecolor()[0]), cloud.get_paths()[0].vertices.tobytes()) for cloud in clouds}
    assert len(looks) == 12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names


def row(method: str, value: float | None, kind: str = "measured") -> dict[str, Any]:
    ends = None if value is None or kind == "published" else [value - 0.03, value + 0.01]
    return {"method": method, "kind": kind, "results": {"lake-20": {"value": value, "ci95": ends, "n": 400}}}


ROWS = [row("affine", 0.8), row("people", 0.955, "published"), row("siamese", 0.98), row("none", None)]


def test_a_comparison_has_the_best_at_the_top() -> None:
    figure = draw_comparison([*ROWS, {"method": "other", "kind": "measured", "results": {}}], "lake-20")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["siamese", "people", "affine"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    points, _, (intervals,) = axes.containers[0].lines
    assert points.get_xdata() == pytest.approx([98, 80])
    assert list(points.get_ydata()) == [0, 2]
    ends = np.array([segment[:, 0] for segment in intervals.get_segments()])
    assert ends == pytest.approx(np.array([[95, 99], [77, 81]]))
    (diamonds,) = (line for line in axes.lines if line.get_marker() == "D")
    assert (diamonds.get_xdata(), list(diamonds.get_ydata())) == (pytest.approx([95.5]), [1])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "measured here (n = 400), 95 % interval",
        "published",
    ]


@pytest.mark.parametrize("kind", ["measured", "published"])
def test_a_comparison_of_one_kind_has_no_word_of_the_other(kind: str) -> None:
    (legend,) = draw_comparison([row("a", 0.5, kind)], "lake-20").legends
    assert len(legend.get_texts()) == 1


def test_figures_are_written_as_png(tmp_path: Path) -> None:
    training_pairs_figure(noise(4, 8, 8, 1), np.array([True, False]), tmp_path / "pairs.png")
    embedding_figure(np.eye(2), np.array([0, 1]), ["a", "b"], tmp_path / "embedding.png")
    comparison_figure({"rows": ROWS, "protocol": "lake-20"}, tmp_path / "comparison.png")
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert image.format == "PNG"
    assert len(list(tmp_path.iterdir())) == 3
