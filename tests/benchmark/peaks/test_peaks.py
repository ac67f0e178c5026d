from dlpractice.benchmark.context import Context
from dlpractice.benchmark.device.backend import Device
from dlpractice.benchmark.device.memory import MemoryBudget
from dlpractice.benchmark.device.timing import Sampling
from dlpractice.benchmark.peaks.peaks import describe_published, measure_peaks
from dlpractice.benchmark.peaks.published_peaks import VENDOR_PEAKS
from dlpractice.config.sections.benchmark import Peaks
from dlpractice.progress import Silent

SECTION = Peaks(
    precisions=("float32", "tf32", "float32"), sizes=(32, 64), sustained_seconds=0.0, array_mebibytes=1
)


class Steps(Silent):
    """Counts what it is told."""

    total = done = 0

    def stage(self, name: str, total: int, unit: str) -> None:
        self.total += total

    def advance(self, done: int = 1) -> None:
        self.done += done


def context(progress: Silent) -> Context:
    return Context(Sampling(5), MemoryBudget(0.5), progress, 0)


def test_a_small_part_has_every_figure_or_says_why_not() -> None:
    steps = Steps()
    part = measure_peaks(SECTION, context(steps))
    names = [row["name"] for row in part["rows"]]
    assert names == [
        "matmul/float32/32",
        "matmul/float32/64",
        "matmul/tf32",
        "memory/copy",
        "memory/triad",
        "link/host-to-device",
    ]
    for row in part["rows"]:
        assert (row["value"] is None) == ("why" in row)
    assert steps.done == steps.total == 2 + 5, "precisions to warm up, then rounds"
    assert part["vendor"] is None
    assert [row["name"] for row in part["published"]] == [peak.name for peak in VENDOR_PEAKS]


def test_a_known_gpu_brings_what_its_maker_publishes() -> None:
    found = describe_published(Device("GPU:0", "gpu", "Tesla V100-SXM2-16GB"))
    assert found["vendor"]["tflops"]["float32"] == 15.7
    assert found["vendor"] in found["published"]
    assert describe_published(Device("cpu:0", "cpu", "unheard of"))["vendor"] is None


def test_the_largest_product_of_each_precision_is_sustained() -> None:
    section = SECTION.model_copy(update={"sustained_seconds": 0.2})
    rows = measure_peaks(section, context(Silent()))["rows"]
    sustained = [row for row in rows if row["name"].endswith("/sustained")]
    assert [(row["name"], row["size"]) for row in sustained] == [("matmul/float32/sustained", 64)]
    assert sustained[0]["seconds"] >= 0.2
    assert sustained[0]["value"] > 0
