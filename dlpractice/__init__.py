"""Small image data sets: a model, an explanation and a plan."""

from importlib import import_module

__version__ = "0.1.0"

_PLACES = {
    "Diagnose": "callback.diagnose",
    "diagnose": "python.diagnosing",
    "finetune": "python.run_training",
    "load": "python.trained_nets",
    "oneshot": "python.run_training",
}


def __getattr__(name: str) -> object:
    """What Python programs use, see docs/python.md, and `Diagnose`, the Keras callback, which brings Keras. A
    module is imported when what it holds is first asked for; __init__.pyi has the types."""
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
