"""Fine-tunes of a few epochs."""

from types import SimpleNamespace

import pytest

from dlpractice.diagnosis.case import open_case
from dlpractice.diagnosis.rules.short_logs import see_first_signs
from dlpractice.diagnosis.verdict import diagnose


@pytest.mark.parametrize(
    ("loss", "val_loss", "words"),
    [
        (
            [0.5, 0.3, 0.1],
            [0.4, 0.45, 0.5],
            "rose from 0.4 to 0.5, while the training loss fell: so overfitting begins",
        ),
        ([0.5, 0.6, 0.7], [0.4, 0.45, 0.5], "rose from 0.4 to 0.5; more validations would tell"),
        ([0.5, 0.4, 0.3], [0.6, 0.5, 0.4], "went from 0.6 to 0.4: the last is the lowest"),
        ([0.5, 0.4, 0.3], [0.4, 0.402, 0.401], "went from 0.4 to 0.401: too little to tell"),
        ([0.5] * 5, [0.4, 0.5, 0.6, 0.7, 0.8], None),
    ],
)
def test_a_cautious_word(
    loss: list[float], val_loss: list[float], words: str | None, make: SimpleNamespace
) -> None:
    record = make.log_of(loss=loss, val_loss=val_loss)
    sign = see_first_signs(open_case(record))
    assert (sign is not None) == (words is not None)
    if sign is not None and words is not None:
        assert words in sign.evidence[0]
        assert (sign.severity, sign.confidence) == ("info", "low")
        verdict = diagnose(record).verdict
        assert verdict.startswith("Insufficient evidence: 3 epochs; no")
        assert words in verdict
