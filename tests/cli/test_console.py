import json

import pytest

from dlpractice.cli.console import messages, print_json, results


def test_results_go_to_stdout_and_messages_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    results().print("[old]/cat.jpg 0.976")
    messages().print("[old]/dog.jpg is missing")
    captured = capsys.readouterr()
    assert captured.out == "[old]/cat.jpg 0.976\n"
    assert captured.err == "[old]/dog.jpg is missing\n"


def test_json_can_always_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"path": "bild-\udcfc-猫.jpg", "value": 0.5, "none": None}
    print_json(document)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == document


def test_what_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        print_json({"loss": float("nan")})
