"""`POST /predict`: what images show."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from dlpractice.recipes.serve.service import Service, describe_images

_FILE = {"type": "string", "format": "binary"}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of one file, or a form with a file for each image.",
        "content": {
            "application/octet-stream": {"schema": _FILE},
            "image/*": {"schema": _FILE},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "array", "items": _FILE}}}
            },
        },
    }
}


class Refusal(BaseModel):
    """Why a request was not answered. hint: what to do about it."""

    error: str
    hint: str | None = None


class Likelihood(BaseModel):
    """A class, and how likely it is."""

    label: str
    confidence: float


class Answer(BaseModel):
    """What an image shows; or, in `error`, why it cannot be read.

    predicted: `unsure` or `unknown` where no class is likely enough. confidence: of the likeliest class, in
    [0, 1]. threshold: the confidence below which there is no class. note: what is odd about the file.
    """

    path: str
    predicted: str | None = None
    confidence: float | None = None
    top: list[Likelihood] | None = None
    threshold: float | None = None
    known: bool | None = None
    note: str | None = None
    error: str | None = None


class Answers(BaseModel):
    """One for each image, in order."""

    model: str
    predictions: list[Answer]


REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Refusal, "description": "The request is refused."},
    "5XX": {"model": Refusal, "description": "The server is busy, or has failed."},
}


def make_prediction_routes(service: Service) -> APIRouter:
    """The routes of a service that answer with classes."""
    routes = APIRouter()

    @routes.post(
        "/predict",
        openapi_extra=UPLOAD,
        responses=REFUSALS,
        response_model=Answers,
        response_model_exclude_none=True,
    )
    async def predict(
        request: Request,
        top: Annotated[int, Query(ge=1, description="How many of the likeliest classes.")] = 5,
        min_confidence: Annotated[
            float | None,
            Query(ge=0, le=1, description="Answer `unsure` where the likeliest class is less likely."),
        ] = None,
    ) -> dict[str, Any]:
        """Classify images; one that cannot be read has its error, and all is an error if none can be."""
        with service.desk.holding() as lease:
            form = await lease.receive(request, service.model.nameless)
            images = await service.decode(form.files)
        rows = await service.compute(images)
        answers = await service.in_thread(describe_images, service.model, images, rows, top, min_confidence)
        return {"model": service.model.name, "predictions": answers}

    return routes
