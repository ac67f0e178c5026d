from pathlib import Path

import pytest

from dlpractice.config.commands.benchmark import PARTS, Benchmark
from dlpractice.config.load import dump_config, load_config
from dlpractice.config.names import shipped_folder
from dlpractice.errors import ConfigError

DEFAULT = shipped_folder() / "benchmark" / "default.yaml"


def load(*overrides: str) -> Benchmark:
    return load_config(str(DEFAULT), overrides, "benchmark")


def test_the_shipped_default_measures_every_part() -> None:
    assert load().parts == PARTS
    assert load() == Benchmark(command="benchmark")


def test_every_part_has_its_section() -> None:
    config = load("peaks.sizes=[64]")
    assert config.section("peaks").sizes == (64,)
    assert {type(config.section(part)).__name__.lower() for part in PARTS} == {
        part.replace("_", "") for part in PARTS
    }


def test_a_benchmark_has_no_variants() -> None:
    assert load().variants() == ()


def test_what_is_written_out_reads_back_as_the_same(tmp_path: Path) -> None:
    config = load("parts=[peaks, models]", "memory_share=0.2")
    (tmp_path / "config.yaml").write_text(dump_config(config))
    assert load_config(str(tmp_path / "config.yaml"), [], "benchmark") == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("parts=[]", "parts"),
        ("parts=[peeks]", "parts"),
        ("repetitions=4", "repetitions"),
        ("memory_share=1.0", "memory_share"),
        ("peak.sizes=[64]", "peaks"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(override)


def test_a_config_of_another_command_is_refused() -> None:
    with pytest.raises(ConfigError, match="is a config for benchmark, not finetune"):
        load_config(str(DEFAULT), [], "finetune")
