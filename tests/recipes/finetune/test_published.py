"""Published figures against the lecture's text."""

from dlpractice.recipes.finetune.published import PUBLISHED


def test_the_lecture_s_figures() -> None:
    # From scratch "about 75-80%", fully connected layers 90 %, last convolutional and fully connected 95 %.
    figures = PUBLISHED["cats-dogs"]
    assert {name: figure["text"] for name, figure in figures.items()} == {
        "scratch": "75-80",
        "head": "90",
        "top-block": "95",
    }
    for figure in figures.values():
        assert figure["kind"] == "published"
        assert figure["value"] == float(figure["text"].split("-")[-1]) / 100
