from dlpractice.data.naming.system_names import is_clutter, is_system

SYSTEM = [
    *("Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found"),
    *(
        "@eaDir",
        "#recycle",
        ".DS_Store",
        "._x.jpg",
        ".thumbnails",
        ".ipynb_checkpoints",
        ".git",
        ".Trash-1000",
    ),
]


def test_what_systems_leave_behind() -> None:
    assert all(map(is_clutter, SYSTEM))
    assert all(map(is_system, SYSTEM))


def test_what_somebody_may_have_meant() -> None:
    assert all(map(is_clutter, (".net", ".hidden.jpg")))
    assert not any(map(is_system, (".net", ".hidden.jpg")))
    assert not any(map(is_clutter, ("cat.jpg", "recycling", "$5", "@home", "lost", "found")))
