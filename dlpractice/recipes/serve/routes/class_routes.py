"""`/classes`: the classes that answers name; those of a net that compares images come and go."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from dlpractice.recipes.serve.request_errors import RequestError
from dlpractice.recipes.serve.routes.prediction_routes import REFUSALS
from dlpractice.recipes.serve.served_comparer import ServedComparer
from dlpractice.recipes.serve.service import Service

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["label", "file"],
                    "properties": {
                        "label": {"type": "string"},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}


class Classes(BaseModel):
    """threshold: the confidence below which no class is answered; None where there always is one. can_enrol:
    whether classes can be added and removed."""

    model: str
    classes: tuple[str, ...]
    threshold: float | None
    can_enrol: bool


def make_class_routes(service: Service) -> APIRouter:
    """The routes of a service that list, add and remove classes."""
    routes = APIRouter(responses=REFUSALS)
    model = service.model

    def require_comparer() -> ServedComparer:
        if not isinstance(model, ServedComparer):
            raise RequestError(405, f"{model.name} knows the classes that it was trained on, and no others")
        return model

    def list_classes() -> Classes:
        return Classes(
            model=model.name,
            classes=model.class_names,
            threshold=model.threshold,
            can_enrol=isinstance(model, ServedComparer),
        )

    @routes.get("/classes")
    async def tell_classes() -> Classes:
        return list_classes()

    @routes.post("/classes", status_code=201, openapi_extra=_FORM)
    async def enrol(request: Request) -> Classes:
        """Enrols a class of the name `label` with one picture of it."""
        comparer = require_comparer()
        with service.desk.holding() as lease:
            form = await lease.receive(request, model.nameless)
            label = comparer.settle_label(form.texts.get("label", ""))
            _, row = await service.compute_one(form.files)
        comparer.enrol(label, row)
        return list_classes()

    @routes.delete("/classes")
    async def remove(label: Annotated[str, Query()]) -> Classes:
        """Removes an enrolled class."""
        require_comparer().remove(label)
        return list_classes()

    return routes
