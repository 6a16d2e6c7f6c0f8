"""`deploybook export`: the history as files, or one week as text to send."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from deploybook.build.book import open_book
from deploybook.build.compose import only_one
from deploybook.build.progress import Progress
from deploybook.config import Config
from deploybook.errors import UsageError
from deploybook.history import History
from deploybook.history.exporting import Format
from deploybook.pages.digest import digest, markdown
from deploybook.pages.telling import Teller
from deploybook.periods import Week
from deploybook.render import environment

WeekFormat = Literal["markdown", "html"]
WEEK_FORMATS: tuple[WeekFormat, ...] = ("markdown", "html")
HISTORY_FORMATS: tuple[Format, ...] = ("jsonl", "csv", "parquet")


def export_history(config: Config, out: Path, form: Format) -> list[Path]:
    """Write every record table of the store that is not empty; returns the files."""
    with only_one(config), History.open(config.history_url, root=config.root) as history:
        return history.export(out, form)


def export_week(config: Config, as_of: datetime, week: str, form: WeekFormat, progress: Progress) -> str:
    """One week's news as it stood at `as_of`, from what the store holds; nothing is read anew.

    Args:
        config: The site's.
        as_of: UTC.
        week: As 2026-W47.
        form: Markdown for a release or a chat, HTML for an e-mail.
        progress: Told what is being done.

    Raises:
        UsageError: It is no week, or one of which the book knows nothing.
    """
    try:
        wanted = Week.parse(week)
    except ValueError as error:
        raise UsageError(str(error), where="--week", next_step="write it as 2026-W47") from error
    with only_one(config), History.open(config.history_url, root=config.root) as history:
        book = open_book(config, history, as_of, progress)
        if wanted not in book.weeks:
            raise UsageError(
                f"the book has no week {week}",
                where="--week",
                next_step=f"it has {book.weeks[0].id} to {book.weeks[-1].id}; `deploybook sync` reads more",
            )
        told = digest(book, Teller(book), wanted)
    if form == "markdown":
        return markdown(told)
    return environment().get_template("export/week.html.jinja").render(page=told)
