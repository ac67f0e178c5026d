from pathlib import Path

from dlpractice.data.files.index_items import Item
from dlpractice.data.files.same_files import merge_paths


def test_one_file_with_one_meaning_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "copy.png").write_bytes(b"x")
    (tmp_path / "link.png").symlink_to("a.png")
    items = [
        Item("a.png", "cat"),
        Item("./a.png", "cat"),
        Item("link.png", "cat"),
        Item("copy.png", "cat"),
        Item("link.png", "dog"),
        Item("none.png", "cat"),
        Item("none.png", "cat"),
    ]
    kept, left_out = merge_paths(items, lambda item: tmp_path / item.path)
    assert kept == [items[0], items[3], items[4], items[5]]
    assert left_out == ["./a.png", "link.png", "none.png"]
