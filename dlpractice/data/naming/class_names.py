"""Names of classes, as people see them: what is spelt the same, and what merely looks the same.

Unicode writes `é` in one code point (NFC) or in two (NFD). macOS writes the latter into its archives, Windows
and Linux the former, and nobody sees a difference; so names are compared in NFC, after Unicode Standard
Annex 15, "Unicode Normalization Forms".
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

# Combining grapheme joiner, Hangul fillers and braille blank are invisible, though no format characters.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
_VARIATION_SELECTORS = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))

_LISTED = 20


def nfc(name: str) -> str:
    """The name in Unicode's composed form: equal for names that only differ in how they are encoded."""
    return unicodedata.normalize("NFC", name)


def is_text(name: str) -> bool:
    """False for a name with control characters or line breaks, or with bytes that are no UTF-8."""
    return not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name)


def settle_spelling(names: Iterable[str]) -> dict[str, str]:
    """How to write each of `names`: as it is, or in NFC where one name is there in several spellings."""
    spellings: dict[str, set[str]] = defaultdict(set)
    for name in names:
        spellings[nfc(name)].add(name)
    return {
        name: name if len(written) == 1 else composed
        for composed, written in spellings.items()
        for name in written
    }


def match_known(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """The spelling in `known` of each of `names`; names that `known` lacks are left out."""
    written = {nfc(name): name for name in known}
    return {name: written[nfc(name)] for name in names if nfc(name) in written}


def find_look_alikes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of different names that are the same but for case, width, space or invisible characters.

    Sorted, each group by itself as well. Names that are equal in NFC are one name.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    for name in sorted(set(names)):
        groups[_skeleton(name)].add(nfc(name))
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def compare_name(name: str, known: Iterable[str]) -> str:
    """The name, and beside it the one of `known` that looks the same, if there is one."""
    alike = [reveal(other) for other in known if _skeleton(other) == _skeleton(name)]
    return f"{reveal(name)} (it knows {alike[0]})" if alike else name


def list_some(names: Iterable[str]) -> str:
    """The names one after another; of many the first ones, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _LISTED:,} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more


def _skeleton(name: str) -> str:
    """What is left of a name without case, width, outer and repeated space, and invisible characters."""
    # Folding the case can undo the normal form, and removing characters can bring others together.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(character for character in folded if not _is_invisible(character))
    return unicodedata.normalize("NFKC", " ".join(seen.split()))


def reveal(name: str) -> str:
    """The name in quotes, with an escape for each character that cannot be seen, such as `'dog\\u200b'`."""
    shown = (
        character.encode("unicode_escape").decode()
        if _is_invisible(character) or (character.isspace() and character != " ") or not is_text(character)
        else character
        for character in name
    )
    return f"'{''.join(shown)}'"


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) == "Cf"
        or character in _INVISIBLE
        or character in _VARIATION_SELECTORS
    )
