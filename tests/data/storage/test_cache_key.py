import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dlpractice.data.storage import cache_key as module
from dlpractice.data.storage.cache_key import Keyed, digest_code


@dataclass(frozen=True)
class Inner:
    shares: tuple[float, ...] = (0.5,)


@dataclass(frozen=True)
class Setting(Keyed):
    side: float = 1
    name: str | None = "a"
    inner: Inner = Inner()

    CODE = ("dlpractice.errors",)


@dataclass(frozen=True)
class Other(Keyed):
    side: float = 1
    name: str | None = "a"
    inner: Inner = Inner()

    CODE = ("dlpractice.errors",)


def test_every_field_is_in_the_key(own_cache: Path) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"side": 2},
        {"side": 1.5},
        {"name": "b"},
        {"name": None},
        {"name": "None"},
        {"inner": Inner((0.5, 0.5))},
        {"inner": Inner((0.25,))},
    ]
    keys = [replace(Setting(), **change).cache_key for change in changes]
    assert len(set(keys)) == len(changes)
    assert Setting().cache_key == keys[0] != Other().cache_key
    assert Setting().cache_place("things") == own_cache / "things" / keys[0]


def test_the_code_and_what_it_imports_are_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    sources = {
        "one.py": "from dlpractice import two\nimport PIL\nimport json",
        "two.py": "def late():\n    import dlpractice.inside.three",
        "inside/__init__.py": "",
        "inside/three.py": "LIMIT = 1",
        "unrelated.py": "",
    }
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)

    def digest() -> str:
        digest_code.cache_clear()
        module._read_source.cache_clear()
        return digest_code(("dlpractice.one",))

    first = digest()
    (tmp_path / "unrelated.py").write_text("changed = True")
    assert digest() == first
    for name in ("one.py", "two.py", "inside/three.py"):
        before = digest()
        (tmp_path / name).write_text(sources[name] + "\n# changed")
        assert digest() != before
    before = digest()
    asked = []
    monkeypatch.setattr(module.metadata, "version", lambda package: asked.append(package) or "99")
    assert digest() != before
    assert asked == ["pillow"]
    digest_code.cache_clear()


def test_packages_are_known_by_the_name_they_are_installed_by() -> None:
    assert module._version("PIL") == Image.__version__
    assert module._version("no_such_package") == "absent"


def test_keys_cost_no_import_and_are_the_same_in_every_process() -> None:
    script = (
        "import sys\n"
        "from dlpractice.data.storage.cache_key import digest_code\n"
        "print(digest_code(('dlpractice.training.features', 'dlpractice.data.files.decoding')))\n"
        "assert not {'tensorflow', 'PIL'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest_code(
        ("dlpractice.training.features", "dlpractice.data.files.decoding")
    )
