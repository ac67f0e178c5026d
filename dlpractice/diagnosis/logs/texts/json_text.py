"""JSON, and what passes for it: the documents of logs."""

import ast
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from dlpractice.diagnosis.logs.texts.text import read_head, read_log_text
from dlpractice.errors import RunError
from dlpractice.paths import is_file, status

HISTORY_HINT = (
    'a history is like {"loss": [0.7, 0.4], "val_loss": [0.8, 0.6]}: json.dump(history.history, file)'
)
_SUFFIXES = (".json", ".txt", ".log", ".yaml", ".yml", "")
_ASSIGNED = re.compile(r"^\w+\s*=\s*(?=\{)")
_LISTED = re.compile(
    r"^\s*[\"']?(?P<name>[A-Za-z][\w ./%()-]*?)[\"']?\s*[:=]\s*(?P<values>\[[^\[\]{}]*\])\s*$", re.MULTILINE
)
_OPENED = re.compile(r"^\s*[\"']?[A-Za-z][\w ./%()-]*[\"']?\s*[:=]\s*\[\s*[-+\d]", re.MULTILINE)
_HEAD = 4096
_LITERAL = 2**22
"""Characters of the largest text that is tried as a Python literal, which takes much memory."""


def is_document(path: Path) -> bool:
    """Whether the file is taken for a JSON document: by its suffix, or since it holds one."""
    if not is_file(path) or path.suffix.lower() not in _SUFFIXES:
        return False
    if path.suffix.lower() == ".json":
        return True
    head = read_head(path, _HEAD).decode("utf-8-sig", errors="replace").lstrip()
    if head[:1] not in ("{", "[") and not _ASSIGNED.match(head) and not _OPENED.search(head):
        return False
    try:
        read_document(path)
    except RunError:
        return False
    return True


def read_document(path: Path) -> Any:
    """The document in `path`: JSON, a JSON text with JSON in it, or the text of a Python dictionary or list.

    The last document that was read is kept, since several formats look at it. None of them changes it.

    Raises:
        RunError: it cannot be read, or is none of these.
    """
    state = status(path)
    return _read_document(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1)
def _read_document(path: Path, _size: int, _time: int) -> Any:
    text = read_log_text(path)
    try:
        document = json.loads(text)  # Python's own: NaN and Infinity are numbers
    except json.JSONDecodeError as error:
        literal = parse_literal(text) or _read_assignments(text)
        if literal is None:
            raise RunError(f"{path}:{error.lineno} is not JSON: {error.msg}", HISTORY_HINT) from None
        return literal
    except (ValueError, RecursionError):
        raise RunError(
            f"{path} is JSON that nests too deeply, or has numbers too long", HISTORY_HINT
        ) from None
    if isinstance(document, str) and (inner := parse_literal(document)) is not None:
        return inner
    return document


def parse_literal(text: str) -> Any:
    """The dictionary or list that a text holds, as JSON or as Python writes it; None where it holds neither.

    Nothing is executed: only literals are read. NaN and infinity, which are no literals, become 1e999 - 1e999
    and 1e999, whose values they are.
    """
    text = _ASSIGNED.sub("", text.strip())
    if len(text) > _LITERAL or text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return _read_python(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _read_assignments(text: str) -> dict[str, Any] | None:
    """Lists that stand on lines of their own, after a name and a colon or an equals sign, as people print
    them and YAML has them; None where there are none."""
    found = {line["name"].strip(): parse_literal(line["values"]) for line in _LISTED.finditer(text)}
    return {name: values for name, values in found.items() if values} or None


def _read_python(text: str) -> Any:
    """A Python literal in which `nan`, `inf`, and numbers in calls such as np.float32(0.5) may stand."""
    tree = ast.parse(text, mode="eval")
    return ast.literal_eval(_Plain().visit(tree))


class _Plain(ast.NodeTransformer):
    """Puts numbers in the place of `nan`, `inf`, and of calls around one number."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in ("nan", "NaN", "inf", "Infinity"):
            return ast.Constant(float(node.id.replace("Infinity", "inf")))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        names = {"float16", "float32", "float64", "tensor", "array", "float", "int64", "int32"}
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return self.visit(node.args[0]) if called in names and node.args else node
