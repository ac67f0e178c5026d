"""The sections of a config of `dlp benchmark`: one for each part, with its sizes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dlpractice.config.sections.shared import Section, one_of
from dlpractice.registry.benchmark_nets import NETS

Size = Annotated[int, Field(ge=16, le=65_536)]
BatchSize = Annotated[int, Field(ge=1, le=65_536)]
Devices = Annotated[int, Field(ge=1, le=65_536)]
Net = Annotated[str, one_of(NETS)]


class Peaks(Section):
    """What the device reaches at most: multiplying matrices, and moving memory."""

    precisions: tuple[Literal["float64", "float32", "tf32", "float16", "bfloat16"], ...] = Field(
        default=("float64", "float32", "tf32", "float16", "bfloat16"),
        min_length=1,
        description="Precisions to multiply square matrices in; tf32 is left to devices that have it.",
    )
    sizes: tuple[Size, ...] = Field(
        default=(512, 1024, 2048, 4096, 8192), min_length=1, description="Rows and columns of the matrices."
    )
    longest_call_seconds: float = Field(
        default=0.3,
        gt=0,
        le=60,
        description="Longest time that one multiplication may be predicted to take; larger ones are left "
        "out, and named.",
    )
    sustained_seconds: float = Field(
        default=4.0,
        ge=0,
        le=600,
        description="How long the largest measured size of a precision is multiplied without a pause, in "
        "seconds, to see whether the rate holds; 0 leaves it out.",
    )
    array_mebibytes: Annotated[int, Field(ge=1, le=65_536)] | None = Field(
        default=None,
        description="Size of each array that is moved, in MiB; null takes four times the last-level cache, "
        "256 at least.",
    )


class Models(Section):
    """What whole nets reach: images per second in inference and training."""

    names: tuple[Net, ...] = Field(
        default=("vgg16", "resnet50", "siamese"), min_length=1, description="The nets."
    )
    batch_sizes: Annotated[tuple[BatchSize, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Images in a batch, one measurement each. null takes 1 and 8 on a CPU; on a GPU 1, 8, "
        "64, 256 and the largest that fits, found by doubling.",
    )
    precisions: tuple[Literal["float32", "bfloat16", "float16"], ...] = Field(
        default=("float32", "bfloat16"), min_length=1, description="Precisions of the arithmetic."
    )
    compilers: tuple[Literal["default", "xla"], ...] = Field(
        default=("default",),
        min_length=1,
        description="How TensorFlow compiles nets: as it does by itself, with XLA, or both, a row for each. "
        "JAX always uses XLA and PyTorch never: there it has no effect.",
    )
    training: bool = Field(default=True, description="Whether training steps are measured beside inference.")
    longest_call_seconds: float = Field(
        default=0.5,
        gt=0,
        le=3600,
        description="Longest time that inference of one batch may be predicted to take from smaller batches, "
        "three times as long for a training step; larger batches are left out, and named.",
    )


class Input(Section):
    """How fast images come from files, apart from what a net makes of them."""

    images: int = Field(default=256, ge=8, le=1_000_000, description="Images that are made and read.")
    image_size: int = Field(default=224, ge=8, le=2048, description="Side of the decoded images, in pixels.")
    batch_size: BatchSize = Field(default=32, description="Images in a batch.")
    folder: str | None = Field(
        default=None,
        description="Folder of JPEG files to read, which is not changed; null makes some in a temporary one.",
    )


class DataParallel(Section):
    """The same net on several devices, a share of the batch on each."""

    model: Net = Field(default="siamese", description="The net.")
    batch_size: BatchSize = Field(default=16, description="Images in a device's share of a batch.")


class ModelParallel(Section):
    """One net divided over several devices, by layers and by channels."""

    model: Net = Field(default="siamese", description="The net.")
    batch_size: BatchSize = Field(default=8, description="Images in a batch.")
    devices: Devices = Field(default=2, description="Devices that the net is divided over.")
    micro_batches: int = Field(default=4, ge=1, le=1024, description="Parts of a batch in the pipeline.")


class Prediction(Section):
    """What more devices would bring, from what one reaches and from what a link carries."""

    model: Net = Field(default="vgg16", description="The net.")
    batch_size: BatchSize = Field(default=32, description="Images in a device's share of a batch.")
    devices: tuple[Devices, ...] = Field(
        default=(2, 4, 8), min_length=1, description="Numbers of devices to predict for."
    )
    interconnect: str = Field(
        default="pcie3",
        description="How devices are joined: a link, such as pcie4, nvlink4 or ethernet25, or a "
        "machine, such as dgx1-v100, dgx2, dgx-a100 or dgx-h100.",
    )


class Backends(Section):
    """The same nets on each Keras backend that is installed, and in ONNX Runtime."""

    names: tuple[Literal["tensorflow", "jax", "torch", "onnxruntime"], ...] = Field(
        default=("tensorflow", "jax", "torch", "onnxruntime"),
        min_length=1,
        description="What runs the nets; onnxruntime has inference alone.",
    )
    models: tuple[Net, ...] = Field(default=("siamese",), min_length=1, description="The nets.")
    batch_size: BatchSize = Field(default=8, description="Images in a batch.")
    timeout_seconds: float = Field(
        default=120.0, gt=0, le=86_400, description="How long one backend may take, in seconds."
    )
