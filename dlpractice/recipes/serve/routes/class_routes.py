"""`/classes`: the classes that answers name."""

from fastapi import APIRouter
from pydantic import BaseModel

from dlpractice.recipes.serve.routes.prediction_routes import REFUSALS
from dlpractice.recipes.serve.service import Service


class Classes(BaseModel):
    """threshold: the confidence below which no class is answered; None where there always is one. can_enrol:
    whether classes can be added and removed."""

    model: str
    classes: tuple[str, ...]
    threshold: float | None
    can_enrol: bool


def make_class_routes(service: Service) -> APIRouter:
    """The routes of a service that tell the classes."""
    routes = APIRouter(responses=REFUSALS)
    model = service.model

    @routes.get("/classes")
    async def tell_classes() -> Classes:
        return Classes(
            model=model.name, classes=model.class_names, threshold=model.threshold, can_enrol=False
        )

    return routes
