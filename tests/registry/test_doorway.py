"""Whoever reads the tables does not wait for TensorFlow."""

import subprocess
import sys


def test_reading_the_tables_and_the_configs_imports_no_tensorflow() -> None:
    code = (
        "import sys\n"
        "from dlpractice.registry import backbones, encoders, objectives, optimisation, strategies, tables\n"
        "import dlpractice.config.schema, dlpractice.diagnosis.remedies\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
