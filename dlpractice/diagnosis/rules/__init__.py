"""The rules by what they are about: a file has the functions that look, and a row for each in RULES."""
