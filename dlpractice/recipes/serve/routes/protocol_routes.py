"""The Open Inference Protocol, version 2, over HTTP: health, what the model is, and tensors."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from dlpractice import __version__
from dlpractice.recipes.serve.request_errors import RequestError
from dlpractice.recipes.serve.routes.prediction_routes import REFUSALS
from dlpractice.recipes.serve.routes.tensor_messages import (
    TensorAnswer,
    TensorDescription,
    TensorRequest,
    describe_input,
    describe_output,
    read_request,
    write_answer,
)
from dlpractice.recipes.serve.service import Service

_SCHEMA = TensorRequest.model_json_schema(ref_template="#/components/schemas/{model}")
SCHEMAS: dict[str, Any] = _SCHEMA.pop("$defs")
"""What the description of requests refers to; FastAPI knows only bodies that it reads itself."""

_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}


class Metadata(BaseModel):
    """What the model takes and gives. class_names: of the columns of probabilities, in order."""

    name: str
    platform: str
    inputs: list[TensorDescription]
    outputs: list[TensorDescription]
    class_names: tuple[str, ...]


def make_protocol_routes(service: Service) -> APIRouter:
    """The protocol's routes for a service; versions of a model, which it makes optional, there are none."""
    routes = APIRouter(prefix="/v2", responses=REFUSALS)
    model = service.model

    def require_model(name: str) -> None:
        if name != model.name:
            raise RequestError(404, f"there is no model {name}, but {model.name}")

    def require_readiness() -> None:
        # By the protocol, "no" is a status of 400 to 499.
        if not service.batches.is_alive:
            raise RequestError(400, "the net is not at work")

    @routes.get("")
    async def describe_server() -> dict[str, Any]:
        return {"name": "dlp serve", "version": __version__, "extensions": []}

    @routes.get("/health/live")
    async def tell_life() -> dict[str, bool]:
        return {"live": True}

    @routes.get("/health/ready")
    async def tell_readiness() -> dict[str, bool]:
        require_readiness()
        return {"ready": True}

    @routes.get("/models/{name}/ready")
    async def tell_model_readiness(name: str) -> dict[str, Any]:
        require_model(name)
        require_readiness()
        return {"name": name, "ready": True}

    @routes.get("/models/{name}")
    async def describe_model(name: str) -> Metadata:
        require_model(name)
        inputs, outputs = [describe_input(model)], [describe_output(model)]
        names = model.class_names
        return Metadata(name=name, platform="dlpractice", inputs=inputs, outputs=outputs, class_names=names)

    @routes.post("/models/{name}/infer", response_model_exclude_none=True, openapi_extra=_BODY)
    async def infer(name: str, request: Request) -> TensorAnswer:
        require_model(name)
        with service.desk.holding() as lease:
            asked, pixels = await service.in_thread(read_request, await lease.receive_body(request), model)
        return write_answer(asked, await service.batches.compute(pixels), model)

    return routes
