from dlpractice.data.progress import Progress, Quiet


def test_quiet_says_nothing(capsys: object) -> None:
    progress: Progress = Quiet()
    progress.stage("decoding", 3, "images")
    progress.advance()
    progress.say("hello")
    progress.warn("careful")
    assert capsys.readouterr() == ("", "")  # type: ignore[attr-defined]
