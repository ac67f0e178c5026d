"""What lies in a folder and below it: files, what is passed over, and links that lead in a circle."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dlpractice.data.files.index_items import IMAGES_OR_RECORDINGS, FileKind
from dlpractice.data.naming.system_names import is_clutter, is_system
from dlpractice.paths import Entry, identify, list_folder, resolve


@dataclass
class Walk:
    """Walks below `root`, and notes what it passes over: paths relative to `root`, with forward slashes.

    `clutter` are hidden and system files and folders, the folders with a slash at their end; `circles` are
    linked folders that lead back to a folder above them, or to one that was entered through another link.
    """

    root: Path
    clutter: list[str] = field(default_factory=list)
    circles: list[str] = field(default_factory=list)
    _entered: set[object] = field(default_factory=set)

    def entries(self, folder: Path) -> list[Entry]:
        """What lies directly in `folder`, sorted by name, without what is passed over.

        Raises:
            PathError: the folder cannot be read.
        """
        kept = []
        for entry in list_folder(folder):
            if is_clutter(entry.name):
                self.clutter.append(self.relative(entry))
            elif entry.is_link and entry.is_folder and _leads_back(entry):
                self.circles.append(self.relative(entry))
            else:
                kept.append(entry)
        return kept

    def files(self, folder: Path) -> Iterator[str]:
        """The files at any depth below `folder`.

        Linked folders are followed, after all others. Folders that link to each other would be met on more
        paths than can be counted, so what lies behind links is entered once in the whole walk.

        Raises:
            PathError: a folder cannot be read.
        """
        waiting = deque([(folder, False)])
        while waiting:
            place, behind_link = waiting.popleft()
            if behind_link and identify(place) in self._entered:
                self.circles.append(f"{place.relative_to(self.root).as_posix()}/")
                continue
            self.claim(place)
            for entry in self.entries(place):
                if not entry.is_folder:
                    yield self.relative(entry)
                elif entry.is_link:
                    waiting.append((Path(entry.path), True))
                else:
                    waiting.appendleft((Path(entry.path), behind_link))

    def claim(self, folder: Path) -> None:
        """Keeps links that lead to `folder` from being followed."""
        self._entered.add(identify(folder))

    def relative(self, entry: Entry) -> str:
        """The entry's path below `root`, that of a folder with a slash at its end."""
        path = Path(entry.path).relative_to(self.root).as_posix()
        return f"{path}/" if entry.is_folder else path


def find_files(folder: Path, kind: FileKind) -> tuple[list[str], list[str]]:
    """The files of a kind at any depth below `folder`, and its other files; sorted, relative to it.

    Raises:
        PathError: a folder cannot be read.
    """
    files = sorted(Walk(folder).files(folder))
    return [path for path in files if kind.fits(path)], [path for path in files if not kind.fits(path)]


def may_be_meant(path: str) -> bool:
    """True for a hidden folder or file of images that no system is known to leave behind."""
    is_image = IMAGES_OR_RECORDINGS.fits(path)
    return (path.endswith("/") or is_image) and not is_system(path.rstrip("/").rpartition("/")[2])


def _leads_back(entry: Entry) -> bool:
    above, target = resolve(Path(entry.path).parent), resolve(entry.path)
    return above.is_relative_to(target)
