"""Finds the modules of a sub-package, so that a new file in it takes part without being named elsewhere."""

import pkgutil
from importlib import import_module
from types import ModuleType


def import_modules(package: ModuleType) -> list[ModuleType]:
    """Imports every module that lies in `package`, in the order of their names."""
    return [
        import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
