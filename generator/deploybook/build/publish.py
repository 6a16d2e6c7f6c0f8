"""Put a finished site in the place of the last one: whole or not at all.

Renaming onto a folder that is not empty fails, and two renames leave a gap in which there is no site. So
the new folder and the old are exchanged in one step (Linux: `renameat2` with `RENAME_EXCHANGE`). Where a file
system cannot do that, the site becomes a symbolic link that is replaced.
"""

from __future__ import annotations

import ctypes
import errno
import filecmp
import json
import os
import shutil
from pathlib import Path

from deploybook.errors import PublishError

MARK = "data/build.json"
"""The file by which a folder is known to be a site of ours."""
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def staging(site: Path) -> Path:
    """Where the next site is put together: beside the site, so that both are on one file system."""
    return site.with_name(f".{site.name}.next")


def is_ours(site: Path) -> bool:
    """Whether a folder is a site that Deploybook published."""
    try:
        return "deploybook" in json.loads((site / MARK).read_text("utf-8"))
    except (OSError, ValueError):
        return False


def check_place(site: Path) -> None:
    """Refuse to replace what is not ours.

    Raises:
        PublishError: The place is taken by a file or by a folder that Deploybook did not make.
    """
    taken = site.exists() and (not site.is_dir() or any(site.iterdir()))
    if taken and not is_ours(site):
        raise PublishError(
            "this folder is not a site that Deploybook made, so it is left alone",
            where=str(site),
            next_step="move it away, or name another folder as `site_dir` in the mkdocs.yml that "
            "`deploybook init` writes",
        )


def carry_over(new: Path, site: Path) -> list[str]:
    """Where a file of the new site is what it was, take the old one itself, with its times.

    Web servers and browsers then know that it did not change. Returns the paths of those that are new.
    """
    changed: list[str] = []
    for folder, _, names in os.walk(new):
        for name in names:
            fresh = Path(folder, name)
            path = fresh.relative_to(new)
            old = site / path
            if old.is_file() and fresh.samefile(old):
                continue
            if not old.is_file() or not filecmp.cmp(fresh, old, shallow=False):
                changed.append(path.as_posix())
                continue
            unfinished = fresh.with_name(f".{name}.same")
            try:
                os.link(old, unfinished)
            except OSError:  # a file system without hard links: the times at least
                shutil.copystat(old, fresh)
            else:
                unfinished.replace(fresh)
    return changed


def publish(new: Path, site: Path) -> None:
    """Exchange the folder `new` with `site` in one step, and remove what was there before.

    Raises:
        PublishError: The place is not ours, or cannot be written.
    """
    check_place(site)
    try:
        if site.is_symlink():
            _relink(new, site)
        elif not site.exists():
            new.rename(site)
        else:
            try:
                _exchange(new, site)
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise
                _first_link(new, site)
            else:
                shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise PublishError(
            f"the new site could not be put in place: {error.strerror}",
            where=str(site),
            next_step="see that its parent folder can be written; the last site stands",
        ) from error


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, "this system cannot exchange folders")
    done = libc.renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_RENAME_EXCHANGE)
    )
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _release(new: Path, site: Path) -> Path:
    """Move the finished site to a name that no earlier one had, and return it."""
    number = 1
    while (release := site.with_name(f".{site.name}.{number}")).exists():
        number += 1
    new.rename(release)
    return release


def _point(site: Path, release: Path) -> None:
    link = site.with_name(f".{site.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(release.name)
    link.replace(site)


def _relink(new: Path, site: Path) -> None:
    last = site.resolve()
    _point(site, _release(new, site))
    if last.parent == site.parent.resolve():
        shutil.rmtree(last, ignore_errors=True)


def _first_link(new: Path, site: Path) -> None:
    """The one time a folder becomes a link there is a moment without it: two renames."""
    release = _release(new, site)
    last = site.with_name(f".{site.name}.last")
    site.rename(last)
    _point(site, release)
    shutil.rmtree(last, ignore_errors=True)
