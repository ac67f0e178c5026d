"""Text that any terminal or file can take, whatever the names of files in it."""

import unicodedata

_LAYOUT = frozenset("\n\t")
# Unicode's embeddings, overrides and isolates turn round what stands after them in the line; Unicode
# Technical Report 36, "Unicode Security Considerations".
_TURNING = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))


def printable(text: str) -> str:
    r"""The text with an escape such as `\x1b` for each control character, and for bytes that are no UTF-8.

    Otherwise a file's name could steer the terminal, turn the rest of a line round, or stop the command that
    shows it. Line breaks and tabs are kept.
    """
    return _escape(text, _LAYOUT)


def printable_name(name: str) -> str:
    """The name of a file in one line: as `printable`, with escapes for line breaks and tabs as well."""
    return _escape(name, frozenset())


def drawable_name(name: str) -> str:
    r"""The name of a class, a net or a file as Matplotlib draws it: as `printable_name`, and as it stands.

    Otherwise what is between two `$` would be taken for a formula, and a legend would leave out what begins
    with `_`. A space of no width, which has no shape, stands before that.
    """
    text = printable_name(name).replace("$", r"\$")
    return f"\u200b{text}" if text.startswith("_") else text


def _escape(text: str, kept: frozenset[str]) -> str:
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if (unicodedata.category(character) in ("Cc", "Cs") or character in _TURNING)
        and character not in kept
        else character
        for character in text
    )
