"""What a first build makes ready beside its reading of history: metrics and templates compiled.

Both are kept between builds. What is asked for before its turn is compiled by who asks.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path

from deploybook.config import Config
from deploybook.forks import meanwhile
from deploybook.metrics import prepare, settings_of
from deploybook.render import environment


def metrics_folder(config: Config) -> Path:
    """Where the SQL of metrics is kept, for who compiles it ahead and for who counts."""
    return config.work_dir / "cache" / "metrics"


def compiled(metrics: Path, templates: Path, config: Config, as_of: datetime) -> AbstractContextManager[None]:
    """Let it be compiled meanwhile what pages are made with, where nothing of it is kept yet.

    Args:
        metrics: Where the SQL of metrics is kept.
        templates: Where compiled templates are kept.
        config: That of the site.
        as_of: The clock.
    """
    if metrics.is_dir() or templates.is_dir():
        return nullcontext()
    return meanwhile(partial(_compile, metrics, templates, config, as_of))


def _compile(metrics: Path, templates: Path, config: Config, as_of: datetime) -> None:
    """Metrics first: they are needed first."""
    if config.engine == "duckdb":
        prepare(metrics, settings_of(config, as_of), only_deliveries=not config.sources)
    jinja = environment(templates)
    for name in jinja.list_templates(extensions=["jinja"]):
        jinja.get_template(name)
