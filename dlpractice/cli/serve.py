"""`dlp serve`: a trained model over HTTP, with a page for people."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from dlpractice.cli.console import messages, results
from dlpractice.cli.queries.model_options import PROVIDERS, split_names
from dlpractice.cli.quiet_import import import_quietly
from dlpractice.errors import DlpError

_HOST = "The address to listen on; 0.0.0.0 lets other machines ask, without a password."
_MIN_CONFIDENCE = "Answer `unsure` where the likeliest class is less likely than this."
_COVERAGE = "Answer so many of the validation images, such as 0.9, and `unsure` for the others."
_SUPPORT = "One-shot runs: a folder with an example of each class, which are known from the beginning."
_INDEX = "One-shot runs: examples that `dlp predict --save-index` has kept, in place of --support."
_PACKAGES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def serve(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run, or a file of `dlp export`.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    host: Annotated[str, typer.Option(help=_HOST)] = "127.0.0.1",
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="P", help=_MIN_CONFIDENCE)
    ] = None,
    coverage: Annotated[float | None, typer.Option(metavar="C", help=_COVERAGE)] = None,
    support: Annotated[Path | None, typer.Option(metavar="DIR", help=_SUPPORT)] = None,
    index: Annotated[Path | None, typer.Option(metavar="FILE", help=_INDEX)] = None,
    providers: Annotated[str, typer.Option(metavar="NAME,...", help=PROVIDERS)] = "",
) -> None:
    """Answer over HTTP what images show, and on a page to drop them on.

    Ends with Ctrl-C or SIGTERM, once the requests that have begun are answered.
    """
    if min_confidence is not None and coverage is not None:
        raise typer.BadParameter("either --coverage or --min-confidence says when", param_hint="--coverage")
    if coverage is not None and not 0 < coverage <= 1:
        raise typer.BadParameter("a share above 0 and at most 1", param_hint="--coverage")
    if support is not None and index is not None:
        raise typer.BadParameter("either --support or --index has the classes", param_hint="--index")
    _require_packages()
    recipe = import_quietly("dlpractice.recipes.serve.serve")
    with recipe.listen(host, port) as listener:
        wishes = recipe.Wishes(min_confidence, coverage, support, index)
        served = recipe.load(model, wishes, split_names(providers))
        recipe.run(served, listener, _announce)


def _require_packages() -> None:
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise DlpError(
            f"`dlp serve` needs packages that are not installed: {', '.join(missing)}",
            'pip install "dlpractice[serve]"',
        )


def _announce(address: str) -> None:
    results().print(address, soft_wrap=True)
    messages().print("answering; Ctrl-C ends it", soft_wrap=True)
