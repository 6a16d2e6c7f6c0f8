"""Files on disk: written only where they change, and known again as the very files that they were."""

from __future__ import annotations

from pathlib import Path

FileMark = tuple[int, int, int]


def mark_of(path: Path) -> FileMark | None:
    """The inode, size and time of a file: one that was written since is another; none where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def write_if_changed(target: Path, content: bytes, own: str = "") -> bool:
    """Write a file whole or not at all, and only where its content differs; tells whether it did.

    What is not finished has `own` in its name, where another process may write the same file.
    """
    try:
        if target.stat().st_size == len(content) and target.read_bytes() == content:
            return False
    except (FileNotFoundError, NotADirectoryError):
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{own}new")
    unfinished.write_bytes(content)
    unfinished.replace(target)
    return True
