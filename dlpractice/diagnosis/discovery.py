"""Finds the modules of a sub-package, so that a new file in it takes part without being named elsewhere."""

import pkgutil
from importlib import import_module
from types import ModuleType


def import_modules(package: ModuleType) -> list[ModuleType]:
    """Imports every module that lies in `package`, or in a package in it, in the order of their names."""
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [import_module(module.name) for module in found if not module.ispkg]
