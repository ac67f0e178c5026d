"""The part `input` on a few small images."""

import numpy as np
import pytest
from PIL import Image

from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.measurement import NetRow
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.input_pipeline import measure_input
from dlpractice.config.sections.benchmark import Input
from dlpractice.errors import DataError
from dlpractice.progress import Silent


def _context(**measured):
    return Context(Sampling(5), MemoryBudget(0.5), Silent(), 0, measured)


def trained(net, value, precision="float32"):
    row = NetRow(net, "training", precision)
    return {"name": f"models/{row.label(8)}", "value": value, **row.fields(8)}


def test_each_way_is_a_rate_and_the_slower_side_binds():
    rows = [
        trained("vgg16", 1e-3),
        trained("siamese", 1e12),
        trained("siamese", 1e12, "bfloat16"),
        trained("koch", None),
        trained("siamese", 1e12) | {"work": "inference"},
    ]
    document = measure_input(Input(images=8, image_size=16, batch_size=4), _context(models={"rows": rows}))

    assert [row["name"] for row in document["rows"]] == ["input/decode", "input/rows", "input/draws"]
    assert all(row["value"] > 0 and row["unit"] == "images/s" for row in document["rows"])
    slow, fast = document["against"]
    assert (slow["binds_when_decoding"], slow["binds_when_cached"]) == ("net", "net")
    assert (fast["binds_when_decoding"], fast["binds_when_cached"]) == ("input", "input")
    assert slow["decode_over_net"] == pytest.approx(1000 * document["rows"][0]["value"])


def test_a_folder_of_ones_own_is_read_and_left_as_it_is(tmp_path):
    for number in range(8):
        Image.fromarray(np.full((20, 20, 3), number, np.uint8)).save(tmp_path / f"{number}.jpg")
    before = sorted(tmp_path.iterdir())

    document = measure_input(Input(images=8, image_size=8, folder=str(tmp_path)), _context())

    assert len(document["rows"]) == 3 and document["against"] == []
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_without_images_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no JPEG file"):
        measure_input(Input(folder=str(tmp_path)), _context())
