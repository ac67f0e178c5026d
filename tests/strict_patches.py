"""`monkeypatch` as the tests have it: a patch that the code under test would not notice is refused."""

import dis
import functools
import pkgutil
import sys
from collections.abc import Iterator
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

import dlpractice

# Environment variables that are read by what we use: Rich and Click, Path.home, Requests.
READ_ELSEWHERE = {"COLUMNS", "TERM", "HOME", "NO_PROXY", "no_proxy"}


def _read_names(code: CodeType) -> Iterator[tuple[str, str]]:
    """What functions look up when they are called: globals as ("", name), attributes as (owner, name).

    What a module's own lines and class bodies read (annotations, defaults of arguments, base classes) they
    read when they were imported, before any patch.
    """
    if code.co_flags & CO_NEWLOCALS:
        before = module = ""
        for step in dis.get_instructions(code):
            if step.opname == "LOAD_GLOBAL":
                yield "", step.argval
            elif step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                yield before, step.argval
            elif step.opname == "IMPORT_NAME":
                module = step.argval.rpartition(".")[2]
            elif step.opname == "IMPORT_FROM":
                yield module, step.argval
            before = str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _read_names(inner)


@functools.cache
def _names_read_in(file: str) -> frozenset[tuple[str, str]]:
    return frozenset(_read_names(compile(Path(file).read_bytes(), file, "exec")))


def _package_files() -> tuple[Path, ...]:
    return tuple(sorted(Path(dlpractice.__path__[0]).rglob("*.py")))


@functools.cache
def _owners_of(attribute: str) -> frozenset[str]:
    """What the package's functions look the attribute up in: the names before the dot."""
    files = [str(file) for file in _package_files() if attribute in file.read_text(encoding="utf-8")]
    return frozenset(
        owner for file in files for owner, name in _names_read_in(file) if name == attribute and owner
    )


class StrictPatch(pytest.MonkeyPatch):
    """Refuses a patch that the code under test would not notice: such a test passes whatever the code does.

    An attribute of a module of ours has to be looked up by a function of that module, or as `module.name` by
    another; one of a class of ours, as `something.name`. What `from module import name` copied is patched
    where it was copied to. An environment variable has to be named in the package.
    """

    def setattr(self, target: Any, name: Any, *value: Any, raising: bool = True) -> None:
        owner, attribute = (target, name) if value else _resolve(target)
        if not _is_noticed(owner, attribute):
            pytest.fail(f"nobody looks up {attribute!r} in {owner!r}: patch it where it is read")
        super().setattr(target, name, *value, raising=raising)

    def setenv(self, name: str, value: str, prepend: str | None = None) -> None:
        _check_variable(name)
        super().setenv(name, value, prepend)

    def delenv(self, name: str, raising: bool = True) -> None:
        _check_variable(name)
        super().delenv(name, raising)


def _resolve(path: str) -> tuple[Any, str]:
    owner, attribute = path.rsplit(".", 1)
    return pkgutil.resolve_name(owner), attribute


def _is_noticed(owner: Any, attribute: str) -> bool:
    if attribute == "__path__":  # where Python itself looks for modules
        return True
    if not isinstance(owner, ModuleType):
        kind = owner if isinstance(owner, type) else type(owner)
        return not _is_ours(kind.__module__) or bool(_owners_of(attribute))
    if _is_ours(owner.__name__):
        read_inside = ("", attribute) in _names_read_in(str(owner.__file__))
        return read_inside or owner.__name__.rpartition(".")[2] in _owners_of(attribute)
    copied = _is_copied(getattr(owner, attribute, None))
    return not copied or owner.__name__.rpartition(".")[2] in _owners_of(attribute)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == dlpractice.__name__


def _is_copied(value: object) -> bool:
    """Whether a module of ours took a function of a foreign module over by `from module import function`."""
    modules = [module for name, module in list(sys.modules.items()) if _is_ours(name)]
    return callable(value) and any(value is held for module in modules for held in vars(module).values())


@functools.cache
def _is_named(variable: str) -> bool:
    return any(f'"{variable}"' in file.read_text(encoding="utf-8") for file in _package_files())


def _check_variable(name: str) -> None:
    if name not in READ_ELSEWHERE and not _is_named(name):
        pytest.fail(f"nobody reads the environment variable {name}")
