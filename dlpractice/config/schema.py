"""The schema of each command's configs: what a config may say."""

from __future__ import annotations

from typing import Any

from dlpractice.config.commands.benchmark import Benchmark
from dlpractice.config.commands.finetune import Finetune
from dlpractice.config.commands.oneshot import Oneshot
from dlpractice.errors import ConfigError

__all__ = ["SCHEMAS", "Benchmark", "Config", "Finetune", "Oneshot", "json_schema"]

Config = Finetune | Oneshot | Benchmark

# A config names its command in its first line.
SCHEMAS: dict[str, type[Config]] = {"finetune": Finetune, "oneshot": Oneshot, "benchmark": Benchmark}


def json_schema(command: str) -> dict[str, Any]:
    """The JSON Schema of a command's configs.

    Raises:
        ConfigError: the command takes no config.
    """
    if command not in SCHEMAS:
        raise ConfigError(f"no configs are for {command!r}", f"choose from: {', '.join(SCHEMAS)}")
    schema = SCHEMAS[command].model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
