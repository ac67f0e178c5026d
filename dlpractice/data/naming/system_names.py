"""Names that operating systems, disks, sync programs and editors leave behind in folders of images."""

import re

# In lower case, each with who writes it.
_SYSTEM_NAMES = frozenset(
    {
        # Windows
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "recycler"),
        *("recycled", "system volume information", "found.000", "$winreagent"),
        # macOS, in folders of its own and in archives; its custom icon is a file called "Icon\r"
        *("__macosx", "icon\r", "network trash folder", "temporary items"),
        # ext file systems
        "lost+found",
        # Synology and QNAP store thumbnails and deleted files beside the pictures
        *(
            "@eadir",
            "#recycle",
            "#snapshot",
            "@recycle",
            "@__thumb",
            "@recently-snapshot",
            "@tmp",
            ".@__thumb",
        ),
        # Picasa, Python, GoodSync
        *("picasa.ini", "__pycache__", "_gsdata_"),
    }
)
# Folders that begin with a dot are hidden, and these are known to hold nothing that somebody has put there.
_SYSTEM_DOT_FOLDERS = re.compile(
    r"\.(_.*|thumbnails?|thumb|trash.*|git|svn|hg|ipynb_checkpoints|cache|idea|vscode|spotlight-v100"
    r"|fseventsd|documentrevisions-v100|temporaryitems|appledouble|apdisk|ds_store|picasaoriginals|venv"
    r"|pytest_cache|mypy_cache|ruff_cache|dvc|dropbox.*|sync.*|stfolder|stversions|nfs.*)"
)


def is_clutter(name: str) -> bool:
    """True for hidden files and folders, and for what systems leave behind."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def is_system(name: str) -> bool:
    """True for clutter that is known to be no work of the user's: nothing in there was meant as data."""
    return name.lower() in _SYSTEM_NAMES or _SYSTEM_DOT_FOLDERS.fullmatch(name.lower()) is not None
