from dlpractice.report.printable import printable, printable_name


def test_text_is_shown_and_control_characters_are_escaped() -> None:
    assert printable("caf\u00e9 \u732b\n\tx") == "caf\u00e9 \u732b\n\tx"
    assert printable("a\x1b[31m\udce9\r\n") == "a\\x1b[31m\\udce9\\r\n"
    assert printable("a\u202eb \u05d0") == "a\\u202eb \u05d0"
    assert printable_name("two\nlines.png") == "two\\nlines.png"
