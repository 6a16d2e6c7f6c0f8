"""A Spark standalone cluster from the installed package: a master and two workers, on the loopback."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

WORKERS = 2
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_PATIENCE = 90.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs."""

    master: str
    """As spark://127.0.0.1:41234."""
    logs: tuple[Path, ...]
    """Of the workers."""

    @property
    def settings(self) -> dict[str, str]:
        """What a session on so small a cluster needs."""
        return {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "768m",
            "spark.executor.memory": "768m",
            "spark.sql.shuffle.partitions": "2",
            # Little data in many queries: compiling and planning anew would take most of the time.
            "spark.driver.extraJavaOptions": QUICK,
            "spark.executor.extraJavaOptions": QUICK,
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        }

    def worked(self) -> int:
        """How many workers have run tasks for somebody."""
        return sum("Asked to launch executor" in log.read_text("utf-8") for log in self.logs)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a master and two workers with one core each, and stop them."""
    with ExitStack() as running:
        common = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        log = folder / "master.log"
        running.enter_context(_daemon("master.Master", common, log))
        master = _said(log, r"Starting Spark master at (spark://\S+)")
        logs = []
        for number in range(WORKERS):
            logs.append(folder / f"worker-{number}.log")
            own = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"worker-{number}"), master]
            running.enter_context(_daemon("worker.Worker", [*common, *own], logs[-1]))
        for each in logs:
            _said(each, r"(Successfully registered) with master")
        yield Cluster(master, tuple(logs))


@contextmanager
def _daemon(name: str, arguments: list[str], log: Path) -> Iterator[None]:
    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
    }
    command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def _said(log: Path, pattern: str) -> str:
    """Wait until a log says it; what it says in the brackets."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text("utf-8", "replace")):
            return found.group(1)
        time.sleep(0.1)
    raise AssertionError(f"{log.name} does not say {pattern!r}: {log.read_text('utf-8', 'replace')[-2000:]}")
