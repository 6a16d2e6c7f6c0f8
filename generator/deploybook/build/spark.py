"""Counting on Spark: the history laid out as Parquet, a session, and what goes wrong with either."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from deploybook.config import Config
from deploybook.errors import EngineError
from deploybook.history import History
from deploybook.history.lake import Laid, Lake
from deploybook.history.merging import merged, overlaps, standing
from deploybook.metrics import Runs
from deploybook.metrics.spark import SparkEngine

SETTINGS = {
    "spark.app.name": "deploybook",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Parquet of Arrow's has the calendar of today, and says so in no way that Spark knows.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.session.timeZone": "UTC",
}
"""What a session has unless the configuration says otherwise; the time zone is always this one."""


@contextmanager
def counting(
    config: Config, history: History, linked: Mapping[str, pa.Table], names: list[str], cache: Path
) -> Iterator[Runs]:
    """An engine on Spark, with the linked rows and the tables of the history laid down.

    Args:
        config: Says which Spark, and where the tables lie.
        history: What is laid out there.
        linked: Rows in memory.
        names: Tables of the history.
        cache: A folder for compiled SQL.

    Raises:
        EngineError: Spark or Java is not installed, the session cannot be had, or an expression fails there.
        StoreError: The history cannot be read, or the tables cannot be written.
    """
    lake = Lake(config.spark.tables, config.root)
    laid = lake.lay(history, names)
    run = f"run-{uuid.uuid4().hex}"
    with _told(config.spark.master), _session(config) as connection:
        try:
            stored = {
                name: history.narrowed(_table(connection, name, table, lake, run))
                for name, table in laid.items()
            }
            rows = {**linked, **stored}
            yield SparkEngine(rows, connection, lambda name, table: lake.put(run, name, table), cache)
        finally:
            lake.drop(run)


def _table(connection: Any, name: str, laid: Laid, lake: Lake, run: str) -> ibis.Table:
    """A table of the history, merged over the sources as the store does it."""
    files = laid.files or (lake.put(run, f"no_{name}", laid.schema.empty_table()),)
    connection._session.read.parquet(*files).createOrReplaceTempView(f"kept_{name}")
    kept = connection.table(f"kept_{name}")
    if len(laid.ranks) < 2 or not connection._session.sql(
        connection.compile(overlaps(kept, laid.key[0]).limit(1))
    ).take(1):
        return kept
    order = standing(laid.ranks)
    rows = pa.table({"source": list(order), "place": list(order.values())})
    view = f"places_{name}"
    connection._session.read.parquet(lake.put(run, view, rows)).createOrReplaceTempView(view)
    return merged(kept, laid.key, connection.table(view))


@contextmanager
def _session(config: Config) -> Iterator[Any]:
    """Ibis on a Spark session of our own."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EngineError(
            "Spark is not installed", where="engine: spark", next_step="pip install 'deploybook[spark]'"
        ) from error
    master = config.spark.master
    builder = SparkSession.builder
    builder = builder.remote(master) if master.startswith("sc://") else builder.master(master)
    for key, value in {**SETTINGS, **config.spark.settings}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        yield ibis.pyspark.connect(session)
    finally:
        session.stop()


@contextmanager
def _told(master: str) -> Iterator[None]:
    """Spark's errors as ours."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("pyspark.", "py4j.")):
            raise
        says = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        step = "see that it runs there, and that its machines read the folder of `spark: {tables: …}`"
        if "JAVA_GATEWAY" in says or "Java" in says:
            step = "install Java 17, as Debian's openjdk-17-jre-headless"
        raise EngineError(f"Spark cannot count: {says[:500]}", where=master, next_step=step) from error
