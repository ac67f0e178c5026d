"""The page for people: three files as they lie here, which ask nothing of any other server."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from dlpractice.paths import read_file

_FOLDER = Path(__file__).parent.parent / "page"
_FILES = {
    "": ("index.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
}
_MOST_BYTES = 1 << 20
_HEADERS = {
    # The browser itself then refuses what does not come from here.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def make_page_routes() -> APIRouter:
    """The routes of the page's files, which are read once."""
    routes = APIRouter(include_in_schema=False)
    for path, (name, kind) in _FILES.items():
        content = read_file(_FOLDER / name, _MOST_BYTES)
        answer = Response(content, media_type=kind, headers=_HEADERS)
        routes.add_api_route(f"/{path}", lambda answer=answer: answer, methods=["GET"], response_model=None)
    return routes
