"""The docs folder: written only where it changed, what is gone is removed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jinja2 import Environment

from deploybook.charts.model import Data
from deploybook.charts.studio import Studio
from deploybook.forks import Tell, begun, shared
from deploybook.pages.page import Share
from deploybook.render.files import write_if_changed
from deploybook.render.making import Made, Maker
from deploybook.render.remembered import Remembered
from deploybook.render.templates import relative, source_path


@dataclass(frozen=True)
class Written:
    """What a rendering did to the folder."""

    pages: int
    changed: int
    removed: int


def write(
    jinja: Environment,
    shares: Sequence[Share],
    by_hand: Path | None,
    out: Path,
    *,
    studio: Studio | None = None,
    remembered: Remembered | None = None,
    processes: int = 1,
    early: Sequence[Share] = (),
    between: Callable[[], None] = lambda: None,
) -> Written:
    """Write all pages and files, with the hand-written ones of `by_hand`, into `out`.

    So many `processes` share it; the files are the same for any number of them. Pages whose charts are still
    being drawn by the `studio` are written last. Shares that are `early` stand after the others, and begin
    before what is done `between`, which the others need. A page that is `remembered` to stand there, made
    from what it would be made from now, is not made again.

    A file whose content is what it was is not touched; what is no longer made is removed. Where two shares
    have a file of one address, the later one stands; where a hand-written page has that of a generated one,
    the generated one does.
    """
    maker = partial(Maker, jinja, out, studio, remembered)
    made = _made(maker, shares, early, between, studio=studio, remembered=remembered, processes=processes)
    changed = made.changed
    for path, text_ in made.waiting.items():
        assert studio is not None
        filled = relative(path, studio.fill(text_))
        changed += write_if_changed(out / source_path(path), filled.encode("utf-8", "replace"))
    wanted = {out / path for path in made.wanted}
    for path, content in _hand_written(by_hand).items():
        if out / path not in wanted:
            wanted.add(out / path)
            changed += write_if_changed(out / path, content)
    removed = _remove_others(out, wanted)
    if remembered is not None:
        write_if_changed(remembered.file, remembered.content())
    return Written(pages=made.pages, changed=changed, removed=removed)


def _made(
    maker: partial[Maker], shares: Sequence[Share], early: Sequence[Share], between: Callable[[], None],
    *, studio: Studio | None, remembered: Remembered | None, processes: int,
) -> Made:  # fmt: skip
    """What so many processes have made of the shares, together."""
    every = [*shares, *early]

    def work(numbers: Iterable[int], tell: Tell) -> Made:
        if studio is not None:
            studio.lend(lambda name, data: tell((name, data)))
        return maker().make(every, numbers)

    def hear(asked: tuple[str, Data]) -> None:
        assert studio is not None
        studio.asked(*asked)

    with begun(range(len(shares), len(every)), work, hear, processes - 1) as rest:
        between()
        made, *others = [*shared(len(shares), work, hear, processes), *rest()]
    for each in others:
        made.add(each)
        if remembered is not None:
            remembered.took(each.marks)
        if studio is not None:
            studio.took(each.charts)
    maker().settle(every, made)
    return made


def _hand_written(folder: Path | None) -> Mapping[str, bytes]:
    if folder is None or not folder.is_dir():
        return {}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _remove_others(out: Path, wanted: set[Path]) -> int:
    removed = 0
    for folder, _, names in os.walk(out, topdown=False):
        here = Path(folder)
        for name in names:
            if here / name not in wanted:
                (here / name).unlink()
                removed += 1
        if here != out and not any(here.iterdir()):
            here.rmdir()
    return removed
