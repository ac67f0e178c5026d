from dlpractice.registry.wording import join_words


def test_words_are_joined_as_in_a_sentence() -> None:
    assert join_words(["a"]) == "a"
    assert join_words(["a", 2]) == "a or 2"
    assert join_words(iter("abc"), ", and ") == "a, b, and c"
