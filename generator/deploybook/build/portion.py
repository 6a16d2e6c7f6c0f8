"""One team's part of the whole: what `build --only TEAM` reads, links and shows.

Every page of it has the address that it has in the whole site, which so is what leads to the rest. Where
nothing is to be left out, as for the whole, each function gives back what it was given.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.config import Config
from deploybook.history import History
from deploybook.linking import Linked


def narrow(history: History, config: Config) -> None:
    """Let the tables of the history be of the part's codebases, by any of their names."""
    if config.whole is not None:
        own = config.codebases.items()
        history.only([name for key, codebase in own for name in (key, *codebase.also_known_as)])


def asks(source: str, config: Config) -> bool:
    """Whether a source is read for the part: those of other codebases are left."""
    about = source.partition(":")[2]
    return config.whole is None or about in config.codebases or about not in config.whole.codebases


def known(linked: Linked, config: Config) -> Linked:
    """What was linked, without incidents of other codebases, or of none."""
    if config.whole is None:
        return linked
    return replace(linked, incidents=linked.incidents.filter(pc.is_valid(pc.field("codebase"))))


def published(figures: pa.Table, config: Config) -> pa.Table:
    """Published figures of the part: those of the site and its flags are of more codebases."""
    if config.whole is None:
        return figures
    scope, name = pc.field("scope"), pc.field("name")
    own = (scope == "codebase") & name.isin(list(config.codebases))
    return figures.filter(own | ((scope == "team") & name.isin(list(config.teams))))
