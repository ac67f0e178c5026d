"""Small image data sets: a model, an explanation and a plan."""

from importlib import import_module

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`Diagnose`, the Keras callback. It brings Keras, which is imported only when it is asked for."""
    if name == "Diagnose":
        return import_module("dlpractice.callback.diagnose").Diagnose
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
