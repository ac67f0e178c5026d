"""The web application around a service, and the server that runs it."""

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response

from dlpractice import __version__
from dlpractice.recipes.serve.connections import PatientConnection
from dlpractice.recipes.serve.gate import Gate
from dlpractice.recipes.serve.monitoring import CONTENT_TYPE
from dlpractice.recipes.serve.request_errors import answer_errors
from dlpractice.recipes.serve.routes.class_routes import make_class_routes
from dlpractice.recipes.serve.routes.heat_map_routes import make_heat_map_routes
from dlpractice.recipes.serve.routes.page_routes import make_page_routes
from dlpractice.recipes.serve.routes.prediction_routes import make_prediction_routes
from dlpractice.recipes.serve.routes.protocol_routes import SCHEMAS, make_protocol_routes
from dlpractice.recipes.serve.service import Service

_MOST_CONNECTIONS = 1024


def make_application(service: Service, hosts: Collection[str] = ()) -> FastAPI:
    """The application around a service, which it starts and stops with itself. hosts: see `Gate`."""

    @asynccontextmanager
    async def working(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.stop()

    # FastAPI's own pages about the interface load scripts from elsewhere.
    app = FastAPI(
        title=f"dlp serve: {service.model.name}",
        version=__version__,
        lifespan=working,
        docs_url=None,
        redoc_url=None,
    )
    answer_errors(app)
    app.include_router(make_prediction_routes(service))
    app.include_router(make_protocol_routes(service))
    app.include_router(make_class_routes(service))
    app.include_router(make_heat_map_routes(service))
    app.include_router(make_page_routes())

    @app.get("/metrics", include_in_schema=False)
    async def tell_meters() -> Response:
        return Response(service.meters.write(), media_type=CONTENT_TYPE)

    app.openapi()["components"]["schemas"].update(SCHEMAS)
    app.add_middleware(Gate, meters=service.meters, hosts=hosts)
    return app


def make_server(service: Service, hosts: Collection[str]) -> uvicorn.Server:
    """The server of a service; it listens where `uvicorn.Server.run` is told. hosts: see `Gate`."""
    # It warns of each request that is none.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    return uvicorn.Server(
        uvicorn.Config(
            make_application(service, hosts),
            http=PatientConnection,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=int(service.desk.bounds.seconds),
        )
    )
