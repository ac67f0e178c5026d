import pytest

from dlpractice.data.naming.class_names import (
    find_look_alikes,
    is_text,
    match_known,
    reveal,
    settle_spelling,
)

NFC, NFD = "caf\u00e9", "cafe\u0301"


def test_names_of_readable_text() -> None:
    assert is_text("Bild mit Leerzeichen\u202f und 猫.jpg")
    assert not any(map(is_text, ("a\nb", "a\u2028b", "a\x00", b"caf\xe9".decode("utf-8", "surrogateescape"))))


def test_one_spelling_is_kept_and_several_become_composed() -> None:
    assert settle_spelling([NFD, "tea"]) == {NFD: NFD, "tea": "tea"}
    assert settle_spelling([NFD, NFC]) == {NFD: NFC, NFC: NFC}


def test_known_names_are_found_in_any_spelling() -> None:
    assert match_known([NFC, "tea", "milk"], [NFD, "tea"]) == {NFC: NFD, "tea": "tea"}


@pytest.mark.parametrize(
    "other",
    [
        "Dog",
        "dog ",
        " dog",
        "dog\u200b",
        "d\u00adog",
        "\u202edog",
        "ｄｏｇ",
        "do\ufe0fg",
        "dog\u3164",
        "DOG\u00a0",
    ],
)
def test_names_that_look_the_same(other: str) -> None:
    assert find_look_alikes(["cat", "dog", other]) == [tuple(sorted(["dog", other]))]


def test_names_that_look_different_or_are_one() -> None:
    assert find_look_alikes(["dog", "dogs", "hot dog", "hot-dog", "1", "2", NFC, NFD]) == []


def test_what_cannot_be_seen_is_shown() -> None:
    assert reveal("dog\u200b") == r"'dog\u200b'"
    assert reveal("dog ") == "'dog '"
    assert reveal("caf\u00e9") == "'caf\u00e9'"
