import io
import warnings

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from dlpractice.printable import printable, printable_name
from dlpractice.report.figures import draw_comparison
from dlpractice.report.oneshot_figures import draw_embedding


def test_text_is_shown_and_control_characters_are_escaped() -> None:
    assert printable("caf\u00e9 \u732b\n\tx") == "caf\u00e9 \u732b\n\tx"
    assert printable("a\x1b[31m\udce9\r\n") == "a\\x1b[31m\\udce9\\r\n"
    assert printable("a\u202eb \u05d0") == "a\\u202eb \u05d0"
    assert printable_name("two\nlines.png") == "two\\nlines.png"


WICKED = ("a\x1b[31m", "two\nlines", "$x$", "$\\frac{$", r"\$5 or $6", "_hidden", "\udce9")


def names_in(figure: Figure) -> set[str]:
    """Draws it, and gives all text in it as a reader sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a character that has no shape
        figure.savefig(io.BytesIO())
    seen = {text._preprocess_math(text.get_text()) for text in figure.findobj(Text)}
    assert not any(is_formula for _, is_formula in seen)
    return {text.removeprefix("\u200b") for text, _ in seen}


def test_any_name_is_drawn_as_it_stands() -> None:
    """Between two `$` there is no formula, and a legend leaves nothing out."""
    shown = set(map(printable_name, WICKED))
    measure = {"value": 0.5, "ci95": [0.4, 0.6], "n": 10}
    rows = [{"strategy": name, "test_accuracy": measure} for name in WICKED]
    assert shown <= names_in(draw_comparison(rows))
    points = np.zeros((len(WICKED), 2))
    embedding = draw_embedding(points, np.arange(len(WICKED)), WICKED)
    assert shown <= names_in(embedding)
    assert len(embedding.legends[0].get_texts()) == len(WICKED)
