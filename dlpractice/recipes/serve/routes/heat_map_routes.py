"""`POST /heat-map`: where in an image the evidence for a class lies."""

import base64
import io
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from dlpractice.recipes.inference.occlusion import cover_parts, map_falls, scale_map
from dlpractice.recipes.serve.routes.prediction_routes import REFUSALS, UPLOAD
from dlpractice.recipes.serve.service import Service

# Rows for the net at a time, between which those of other requests have their turn.
_AT_ONCE = 16


class HeatMap(BaseModel):
    """map: rows of a grid over the square that the net sees, from 0 to 1 where most speaks for the class.
    picture: that square as the address of a PNG (`data:`)."""

    label: str
    method: str
    map: list[list[float]]
    picture: str


def make_heat_map_routes(service: Service) -> APIRouter:
    """The route of a service that gives heat maps."""
    routes = APIRouter(responses=REFUSALS)
    model = service.model

    @routes.post("/heat-map", openapi_extra=UPLOAD)
    async def draw(
        request: Request,
        label: Annotated[str | None, Query(description="The likeliest if not given.")] = None,
    ) -> HeatMap:
        """Where in an image the evidence for a class lies.

        Class activation where a net has a linear head on the mean over the positions of its features; else
        what covering each part takes away.
        """
        with service.desk.holding() as lease:
            form = await lease.receive(request, model.nameless)
            image, row = await service.compute_one(form.files)
        assert image.pixels is not None
        if label is None:
            label = (await service.in_thread(model.describe, row, 1, None))["top"][0]["label"]
        score = model.make_scorer(label)
        method, values = "class activation", await service.in_thread(model.activate, image.pixels, label)
        if values is None:
            method, values = "occlusion", await _occlude(service, image.pixels, row, score)
        scaled = scale_map(values).round(3).tolist()
        return HeatMap(label=label, method=method, map=scaled, picture=_draw(image.pixels))

    return routes


async def _occlude(service: Service, pixels: NDArray[np.uint8], row: Any, score: Any) -> NDArray[np.float64]:
    covered = await service.in_thread(cover_parts, pixels)
    rows = [
        await service.batches.compute(covered[start : start + _AT_ONCE])
        for start in range(0, len(covered), _AT_ONCE)
    ]
    scores = await service.in_thread(score, np.concatenate([row[np.newaxis], *rows]))
    return map_falls(scores[0], scores[1:])


def _draw(pixels: NDArray[np.uint8]) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
