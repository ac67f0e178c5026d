"""What can be wrong with the files of a run directory: copies of a file, each damaged in one way."""

import copy
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = None
"""Stands for a folder that lies where the file belongs."""

Damaged = tuple[str, bytes | None]
"""A kind of damage, and what the file then holds."""

_DIGITS = b"1" * 5000
_NESTED = 100_000
_LONG = "x" * 200_000

# What stands in place of a value of JSON or YAML, as it is written.
_VALUES = {
    "null": "null",
    "list": "[]",
    "lists": "[[[1, 2]], null]",
    "mapping": "{}",
    "mapping of nulls": '{"value": null, "shape": null}',
    "text": '"odd"',
    "empty text": '""',
    "escapes": '"\\u001b[31m\\u0000\\ud800"',
    "negative": "-1",
    "fraction": "0.5",
    "huge": "1e300",
    "true": "true",
    "digits": _DIGITS.decode(),
}
_NOT_OF_YAML = {"nan": "NaN", "infinity": "-Infinity"}
_PLACE = '"@@@"'

# Configs that no program of ours has written.
_YAML = {
    "a list": b"- a\n- b\n",
    "text": b"only words\n",
    "a tag": b"command: !!python/object/apply:os.system ['true']\n",
    "a date": b"command: 2024-01-01\n2024-01-01: 1\n",
    "a set": b"command: finetune\ndata: !!set {a, b}\n",
    "keys": b"1: 2\nnull: 3\n[a, b]: 4\n{c: d}: 5\n? [e]\n: f\n",
    "twice": b"command: finetune\ncommand: oneshot\n",
    "anchors": b"a: &a [1, 2]\nb: *a\ncommand: finetune\n<<: *a\n",
    "a circle": b"command: finetune\ndata: &d {source: *d}\n",
    "laughs": b"a0: &a0 [x, x]\n"
    + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
    "documents": b"command: finetune\n---\ncommand: oneshot\n",
    "tabs": b"command:\tfinetune\n\tdata: x\n",
    "a number": b"command: finetune\nseed: " + _DIGITS + b"\n",
    "a surrogate": b'command: finetune\n"\\ud800": 1\n',
}


def damage(path: Path) -> Iterator[Damaged]:
    """Every damage of a file, by what its name ends in."""
    content = path.read_bytes()
    yield from damage_bytes(content)
    if path.suffix == ".json":
        yield from damage_tree(json.loads(content))
    elif path.suffix == ".csv":
        yield from damage_rows(content.decode())
    elif path.suffix == ".yaml":
        yield from _YAML.items()
        yield from damage_lines(content.decode())
    elif path.suffix == ".keras":
        yield from damage_note(content)


def damage_bytes(content: bytes) -> Iterator[Damaged]:
    """What can befall any file."""
    yield "a folder", FOLDER
    yield "empty", b""
    yield "a line break", b"\n"
    yield "half", content[: len(content) // 2]
    yield "its last byte cut", content.rstrip()[:-1]
    yield "binary", bytes(range(256)) * 4
    yield "zeros", bytes(len(content))
    yield "a byte order mark", b"\xef\xbb\xbf" + content
    yield "UTF-16", content.decode(errors="replace").encode("utf-16")
    yield "not UTF-8", content[:20] + b"\xff\xfe\x80" + content[20:]
    yield "brackets", b"[" * _NESTED
    yield "braces", b'{"a":' * _NESTED
    yield "nested", b"[" * _NESTED + b"]" * _NESTED
    yield "digits", _DIGITS
    yield "null", b"null"
    yield "an empty list", b"[]"
    yield "an empty mapping", b"{}"
    yield "text", b'"text"'


def damage_tree(document: Any) -> Iterator[Damaged]:
    """A JSON document, each value of it replaced or left out. Of lists the first item stands for all."""
    for place in walk(document):
        for kind, text in (_VALUES | _NOT_OF_YAML).items():
            changed = json.dumps(_replaced(document, place, "@@@")).replace(_PLACE, text)
            yield f"{kind} in {'.'.join(map(str, place))}", changed.encode()
        if isinstance(place[-1], str):
            yield f"without {'.'.join(map(str, place))}", json.dumps(_removed(document, place)).encode()
    later = json.dumps({**document, "schema": 99}) if isinstance(document, dict) else "99"
    yield "a later schema", later.encode()
    yield "an odd schema", (json.dumps(document)[:-1] + ', "schema": [null]}').encode()


def walk(tree: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each value in a document, mappings and lists among them."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:1]) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*place, key)
        yield from walk(value, (*place, key))


def _replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    _holder(changed, place)[place[-1]] = value
    return changed


def _removed(document: Any, place: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(document)
    del _holder(changed, place)[place[-1]]
    return changed


def _holder(document: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        document = document[key]
    return document


def damage_rows(text: str) -> Iterator[Damaged]:
    """A CSV file with odd cells, columns and rows. The second row stands for all."""
    header, *rows = list(csv.reader(io.StringIO(text)))
    cells = {
        "empty": "",
        "odd": "odd",
        "nan": "nan",
        "infinite": "-inf",
        "huge": "1e300",
        "negative": "-1",
        "fraction": "0.5",
        "digits": _DIGITS.decode(),
        "long": _LONG,
        "zero byte": "a\0b",
        "escapes": "\x1b[31m",
    }
    for column, name in enumerate(header):
        for kind, cell in cells.items():
            changed = [list(row) for row in rows]
            for row in changed[1:2] or changed:
                row[column] = cell
            yield f"{kind} {name}", _join([header, *changed])
        yield f"without {name}", _join([[*row[:column], *row[column + 1 :]] for row in (header, *rows)])
    yield "a short row", _join([header, *rows[:1], rows[0][:1]])
    yield "a long row", _join([header, *rows[:1], [*rows[0], "more", "more"]])
    yield "the header twice", _join([header, header, *rows])
    yield "the header alone", _join([header])
    yield "no header", _join(rows)
    yield "an open quotation", text.encode() + b'"open'
    yield "the first row alone", _join([header, *rows[:1]])
    yield "rows twice", _join([header, *rows, *rows])


def _join(rows: list[list[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def damage_lines(text: str) -> Iterator[Damaged]:
    """A YAML file, each of its lines with another value, or left out."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        key, colon, _ = line.partition(":")
        for kind, value in _VALUES.items():
            if colon:
                changed = "\n".join([*lines[:number], f"{key}: {value}", *lines[number + 1 :]])
                yield f"{kind} in {key.strip()}, line {number + 1}", changed.encode()
        yield f"without line {number + 1}", "\n".join(lines[:number] + lines[number + 1 :]).encode()


def damage_note(content: bytes) -> Iterator[Damaged]:
    """A model file with another `metadata.json`, and without one of its parts."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    metadata = json.loads(parts["metadata.json"])
    for kind, changed in damage_tree(metadata):
        if changed is not None and changed != parts["metadata.json"]:
            yield f"metadata: {kind}", _pack(parts | {"metadata.json": changed})
    names = metadata["dlpractice"].get("class_names")
    if names:
        for kind, fewer in (("one class fewer", names[:-1]), ("one class more", [*names, "more"])):
            note = {**metadata["dlpractice"], "class_names": fewer}
            changed = json.dumps({**metadata, "dlpractice": note}).encode()
            yield f"metadata: {kind}", _pack(parts | {"metadata.json": changed})
    for name, part in parts.items():
        yield f"without {name}", _pack({key: value for key, value in parts.items() if key != name})
        for kind, changed in (("empty", b""), ("half", part[: len(part) // 2]), ("nested", b"[" * _NESTED)):
            yield f"{kind} {name}", _pack(parts | {name: changed})


def _pack(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


def put(path: Path, content: bytes | None) -> None:
    """Puts a damaged file, or a folder, in a file's place."""
    path.unlink()
    if content is FOLDER:
        path.mkdir()
    else:
        path.write_bytes(content)
