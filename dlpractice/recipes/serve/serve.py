"""`dlp serve`: a model on a port, until the process is told to end."""

import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from dlpractice.errors import DlpError, ModelError
from dlpractice.paths import absolute
from dlpractice.recipes.inference.abstention import choose_abstention
from dlpractice.recipes.inference.enrolment import enrol
from dlpractice.recipes.inference.enrolment_index import Enrolment, read_index
from dlpractice.recipes.inference.finished_net import load_net
from dlpractice.recipes.oneshot.comparer import Comparer
from dlpractice.recipes.serve.application import make_server
from dlpractice.recipes.serve.served_comparer import ServedComparer
from dlpractice.recipes.serve.served_model import ServedClassifier, ServedModel
from dlpractice.recipes.serve.service import Service

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Wishes:
    """How a model is to answer.

    min_confidence, coverage: of classifiers, see `choose_abstention`. support, index: what nets that compare
    images know at the beginning, a folder as `enrol` takes it or a file that `dlp predict` has kept.
    """

    min_confidence: float | None = None
    coverage: float | None = None
    support: Path | None = None
    index: Path | None = None


def load(path: Path, wishes: Wishes, providers: Sequence[str] = ()) -> ServedModel:
    """The net of a run, or of a file of `dlp export`; called like its folder or file.

    Raises:
        ModelError, RunError: see `load_net` and `choose_abstention`; and where a wish is for the other kind.
        DataError: classes cannot be enrolled, or an index cannot be read.
    """
    net, name = load_net(path, providers), absolute(path).stem
    if isinstance(net, Comparer):
        if wishes.min_confidence is not None or wishes.coverage is not None:
            raise ModelError(
                f"{path} compares images, and has a threshold of its own",
                "leave out --min-confidence and --coverage",
            )
        return ServedComparer(name, net, _find_classes(net, wishes))
    if wishes.support or wishes.index:
        raise ModelError(
            f"{path} is a classifier, which knows its classes", "leave out --support and --index"
        )
    abstention = choose_abstention(net, wishes.min_confidence, wishes.coverage)
    return ServedClassifier(name, net, abstention.threshold if abstention else None)


def _find_classes(net: Comparer, wishes: Wishes) -> Enrolment | None:
    if wishes.support:
        return enrol(net, wishes.support)
    return read_index(wishes.index, net.digest) if wishes.index else None


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address of this machine, which `run` answers; port 0 is any that is free.

    Raises:
        DlpError: there is no such address here, or something else listens there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with ExitStack() as stack:
            listener = stack.enter_context(socket.socket(family, kind, protocol))
            # Otherwise one that is started again waits until the connections of the one before are forgotten.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            stack.pop_all()
    except OSError as error:
        reason = f"{host}:{port} cannot be listened on: {error.strerror or error}"
        raise DlpError(reason, "choose others with --port or --host") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """`http://127.0.0.1:8000` of a socket there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(model: ServedModel, listener: socket.socket, announce: Callable[[str], None]) -> None:
    """Answers requests until SIGTERM or Ctrl-C, and those that have begun to the end.

    announce: called with the address once requests are answered.
    """
    service = Service(model)
    service.warm_up()
    server = make_server(service, LOOPBACK if listener.getsockname()[0] in LOOPBACK else ())
    listener.listen()
    announce(address_of(listener))
    # uvicorn passes on the signal that it has obeyed, which is how servers end.
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
