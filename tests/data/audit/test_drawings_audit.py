from typing import Any

from dlpractice.data.audit.drawings_audit import PartCount, check_drawings
from dlpractice.data.sets import omniglot_archives
from dlpractice.data.sets.catalogue import sample_glyphs
from dlpractice.progress import Silent


def test_omniglot_is_counted_from_what_was_read(tiny_omniglot: Any) -> None:
    audit = check_drawings("omniglot", Silent())
    assert audit.parts == {
        "background": PartCount({"Greek": 3, "Korean": 4, "Latin": 2}, 9, 180, 20, 105),
        "evaluation": PartCount({"Atlantean": 4, "Tengwar": 3}, 7, 140, 20, 105),
    }
    assert audit.runs == {"run01": "Tengwar", "run02": "Atlantean"}
    assert (audit.equal, audit.digest) == ((), tiny_omniglot.digest)
    assert audit.to_json()["parts"]["evaluation"]["alphabets"] == {"Atlantean": 4, "Tengwar": 3}


def test_equal_drawings_are_named(tiny_omniglot: Any, monkeypatch: Any) -> None:
    one, two = (f"images_background/Greek/character01/0001_{drawer}.png" for drawer in ("03", "11"))
    tiny_omniglot.drawings[two][:] = tiny_omniglot.drawings[one]
    tiny_omniglot.write()
    monkeypatch.setattr(omniglot_archives, "DIGEST", tiny_omniglot.digest)
    assert check_drawings("omniglot", Silent()).equal == ((one, two),)


def test_glyphs_are_counted_by_alphabet() -> None:
    (part,) = check_drawings("glyphs", Silent()).parts.values()
    examples = sample_glyphs(Silent())
    assert tuple(part.alphabets) == examples.alphabet_names
    assert sum(part.alphabets.values()) == part.characters == len(examples.class_names)
    assert part.drawings == len(examples)
