"""What a kept value is kept under: everything that it was computed from, so that nothing can be forgotten.

Whatever is kept is computed by a method of a frozen record, from the record's fields and from the bytes of a
file. The key is made of the same record: of all its fields, and of the code that reads them. A setting that
is added to the record is in the key at once, and a setting that is not in the record cannot be computed with.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import ClassVar

from dlpractice.paths import is_file, read_file
from dlpractice.settings import cache_dir

_OURS = __name__.partition(".")[0]
_ROOT = Path(__file__).parents[2]
# Packages that are imported by another name than they are installed by.
_INSTALLED_AS = {"PIL": "pillow", "sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Keyed:
    """A frozen dataclass whose fields are all that its methods compute with, besides the bytes of a file.

    `CODE` names the modules that compute: None stands for the record's own module, and there are none where
    nothing is computed.
    """

    CODE: ClassVar[tuple[str, ...] | None] = None

    @property
    def cache_key(self) -> str:
        """32 hexadecimal digits: of the kind of record, of every field, and of the code that computes."""
        kind = type(self)
        modules = (kind.__module__,) if kind.CODE is None else kind.CODE
        text = json.dumps([kind.__qualname__, asdict(self), digest_code(modules)])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def cache_place(self, room: str) -> Path:
        """Where in the cache that is kept which this record computes; `room` says what it is."""
        return cache_dir() / room / self.cache_key


@cache
def digest_code(modules: tuple[str, ...]) -> str:
    """sha256 of what `modules` compute with: their source, that of all modules of this package that they
    import, directly or not, and the versions of the other packages that these import."""
    digests: dict[str, str] = {}
    packages: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in digests:
            digests[name], own, others = _read_source(name)
            packages |= others
            waiting += own
    lines = [f"{name} {digest}" for name, digest in sorted(digests.items())]
    lines += [f"{name} {_version(name)}" for name in sorted(packages - sys.stdlib_module_names)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def _read_source(module: str) -> tuple[str, frozenset[str], frozenset[str]]:
    """The sha256 of the source of a module of this package, the modules of this package that it imports, and
    the other packages."""
    file = _find_source(module)
    assert file is not None, module
    source = read_file(file, 2**24)
    imports = set(_imports(source))
    own = {name for name in imports if name.partition(".")[0] == _OURS}
    packages = {name.partition(".")[0] for name in imports - own}
    return (
        hashlib.sha256(source).hexdigest(),
        frozenset(filter(_find_source, own)),
        frozenset(packages),
    )


def _find_source(module: str) -> Path | None:
    """The file of a module of this package; None where there is no such module. Imports nothing."""
    place = _ROOT.joinpath(*module.split(".")[1:])
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if is_file(file)), None)


def _imports(source: bytes) -> Iterator[str]:
    """The modules that a source imports, wherever in it it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            # What is imported from a package may be a module.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _version(package: str) -> str:
    try:
        return metadata.version(_INSTALLED_AS.get(package, package))
    except metadata.PackageNotFoundError:
        return "absent"
