"""The JSON of the Open Inference Protocol, version 2: tensors of pixels in, the net's tensors out.

KServe's open-inference-protocol, specification/protocol/inference_rest.md.
"""

import math
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from dlpractice.recipes.serve.request_errors import RequestError
from dlpractice.recipes.serve.served_model import Floats, ServedModel

INPUT = "images"
_NUMBERS = ("UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64")


class TensorDescription(BaseModel):
    """A tensor without its numbers. shape: -1 for as many as one likes."""

    name: str
    datatype: str
    shape: list[int]


class Tensor(TensorDescription):
    """data: nested lists, or one list with the last axis running fastest."""

    parameters: dict[str, Any] | None = None
    data: list[Any]


class WantedTensor(BaseModel):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] | None = None


class TensorRequest(BaseModel):
    """outputs: all if not given."""

    id: str | None = None
    parameters: dict[str, Any] | None = None
    inputs: list[Tensor] = Field(min_length=1, max_length=1)
    outputs: list[WantedTensor] | None = None


class TensorAnswer(BaseModel):
    """id: the request's own."""

    model_name: str
    id: str | None = None
    outputs: list[Tensor]


def describe_input(model: ServedModel) -> TensorDescription:
    """What a model takes."""
    return TensorDescription(name=INPUT, datatype="FP32", shape=[-1, *model.row_shape])


def describe_output(model: ServedModel) -> TensorDescription:
    """What it gives."""
    return TensorDescription(name=model.output, datatype="FP32", shape=[-1, model.output_size])


def read_request(content: bytes, model: ServedModel) -> tuple[TensorRequest, Floats]:
    """The request in a body, and its pixels: (n, S, S, C) float32 in 0..255, n at least 1.

    Raises:
        RequestError: it is no such request, or its tensor does not fit the model.
    """
    try:
        request = TensorRequest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _refusal(f"{place}: {first['msg']}" if place else first["msg"]) from error
    if unknown := [wanted.name for wanted in request.outputs or () if wanted.name != model.output]:
        raise _refusal(f"there is no output {unknown[0]!r}, but {model.output!r}")
    return request, _read_pixels(request.inputs[0], model.row_shape)


def write_answer(request: TensorRequest, rows: Floats, model: ServedModel) -> TensorAnswer:
    """(n, D) rows as the answer to a request."""
    output = Tensor(
        name=model.output,
        datatype="FP32",
        shape=list(rows.shape),
        data=rows.astype(np.float64).ravel().tolist(),
    )
    wanted = [output] if request.outputs is None or request.outputs else []
    return TensorAnswer(model_name=model.name, id=request.id, outputs=wanted)


def _read_pixels(tensor: Tensor, row_shape: tuple[int, int, int]) -> Floats:
    if tensor.name != INPUT:
        raise _refusal(f"there is no input {tensor.name!r}, but {INPUT!r}")
    if tensor.datatype not in _NUMBERS:
        raise _refusal(f"{INPUT} has the datatype {tensor.datatype}, which is none of {', '.join(_NUMBERS)}")
    if tuple(tensor.shape[1:]) != row_shape or len(tensor.shape) != 4 or tensor.shape[0] < 1:
        raise _refusal(
            f"{INPUT} has the shape {tensor.shape}; wanted is {['n', *row_shape]}".replace("'", "")
        )
    try:
        values = np.asarray(tensor.data)
    except ValueError as error:
        raise _refusal(f"the lists in the data of {INPUT} are not of equal lengths") from error
    if values.dtype.kind not in "iuf":
        raise _refusal(f"the data of {INPUT} are not all numbers")
    if values.size != math.prod(tensor.shape):
        raise _refusal(
            f"the data of {INPUT} are {values.size:,} numbers, its shape has {math.prod(tensor.shape):,}"
        )
    if not (values.min() >= 0 and values.max() <= 255):  # which NaN is not, either
        raise _refusal(f"the data of {INPUT} are not within 0 to 255")
    return values.reshape(tensor.shape).astype(np.float32)


def _refusal(reason: str) -> RequestError:
    return RequestError(400, reason, "see GET /v2/models/NAME")
