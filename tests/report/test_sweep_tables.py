"""Tables of sweeps and trials in 80 columns."""

from typing import Any

from rich.console import Console, RenderableType

from dlpractice.report.sweep_tables import sweep_table, trial_table


def render(renderable: RenderableType) -> list[str]:
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get().splitlines()


def measure(value: float, **more: float) -> dict[str, Any]:
    return {"value": value, "ci95": [value - 0.05, value + 0.05], "n": 359, "kind": "measured", **more}


def row(value: object, val: float, best: bool = False, **more: float) -> dict[str, Any]:
    return {
        "value": value,
        "seeds": [0, 1],
        "trainable_parameters": 14_700_000,
        "train_accuracy": 0.9912,
        "val_accuracy": measure(val),
        "test_accuracy": measure(0.8, **more),
        "difference": None if best else measure(-0.01),
        "seconds": 1234.5,
    }


def test_a_sweep() -> None:
    rows = [row(0.5, 0.61), row(None, 0.72, best=True), row([64, 32], 0.63)]
    lines = render(sweep_table({"key": "model.hidden", "rows": rows}))
    assert lines[0].split() == ["model.hidden", "params", "train", "val", "95", "%", "test", "95", "%", "s"]
    assert lines[1].split() == ["0.5", "14.7", "M", "99.1", "61.0", "56.0-66.0", "80.0", "75.0-85.0", "1,234"]
    assert lines[2].split()[0] == "null"
    assert lines[3].startswith("[64, 32]")
    text = " ".join(line.strip() for line in lines)
    assert "359 validation and 359 test images" in text
    assert "chosen by validation: model.hidden null; the test was scored once a run" in text


def test_a_grid() -> None:
    keys = ["training.learning_rate", "model.dropout"]
    rows = [row(dict(zip(keys, [0.1, drop], strict=True)), 0.6 + drop, best=drop > 0) for drop in (0, 0.2)]
    lines = render(sweep_table({"key": ",".join(keys), "rows": rows}))
    assert lines[0].split()[:3] == ["learning_rate,", "dropout", "params"]
    assert [line.split()[:2] for line in lines[1:3]] == [["0.1,", "0"], ["0.1,", "0.2"]]
    assert "chosen by validation: training.learning_rate, model.dropout 0.1, 0.2" in " ".join(lines)


def test_a_sweep_over_seeds_at_its_widest_fits() -> None:
    rows = [row("mobilenetv2", 1.0, best=True, std_over_seeds=0.0123), row("vgg16", 0.5, std_over_seeds=0.1)]
    lines = render(sweep_table({"key": "model.backbone", "rows": rows}))
    assert "80.0±1.2" in lines[1]
    assert max(map(len, lines)) <= 80
    assert "mean over 2 seeds" in " ".join(lines)


def arm(*overrides: str) -> dict[str, Any]:
    return {
        "overrides": list(overrides),
        "steps": 1380,
        "val_accuracy": measure(0.9),
        "val_loss": 0.25,
        "seconds": 12.0,
    }


def trial(**changes: Any) -> dict[str, Any]:
    difference = {"accuracy": measure(0.052), "loss": measure(-0.181)}
    return {
        "command": "finetune",
        "finding": "overfitting",
        "folder": "runs/a-trial",
        "seeds": [0],
        "before": arm(),
        "remedy": arm("strategy=head", "training.epochs=60", "training.learning_rate=3e-3"),
        "random": arm("training.label_smoothing=0.1"),
        "to_before": difference,
        "to_random": difference,
        **changes,
    }


def test_a_trial() -> None:
    lines = render(trial_table(trial()))
    text = " ".join(" ".join(line.split()) for line in lines)
    assert "as it was 1,380 90.0 85.0-95.0 0.250 12" in text
    assert "remedy: strategy=head" in text
    assert "remedy to random +5.2 +0.2,+10.2 -0.181 -0.231,-0.131" in text
    assert "1 seed each" in text
    assert "steps behind the differences: as it was 1,380, the remedy 1,380, the random one 1,380" in text
    assert "better than the random one by more than noise: the remedy" in text
    assert "same 359 validation images; the test was not looked at" in text
    assert lines[-1] == "runs/a-trial"
    assert max(map(len, lines)) <= 80


def test_a_trial_without_a_second_remedy_or_a_finite_loss() -> None:
    lost = {"accuracy": measure(0.3), "loss": None}
    before = arm() | {"val_loss": None}
    text = "\n".join(render(trial_table(trial(random=None, to_random=None, to_before=lost, before=before))))
    assert "there is no other remedy for this config" in text
    assert "remedy to random" not in text
    assert "+30.0  +25.0,+35.0     -     -" in text
