"""Prometheus and Alertmanager of the machine's own packages, each in a folder that is thrown away."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TRIES = 5


@contextmanager
def prometheus(openmetrics: str) -> Iterator[str]:
    """A Prometheus that holds these samples, whatever their age, and scrapes nothing; gives its address."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "samples").write_text(openmetrics)
        (folder / "prometheus.yml").write_text("global: {}\n")
        made = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", "samples", "data"]
        subprocess.run(made, cwd=folder, check=True, capture_output=True)
        with _running(
            [
                "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                "--storage.tsdb.retention.time=50y", "--query.lookback-delta=59s", "--log.level=error",
                "--web.listen-address=127.0.0.1:{port}",
            ],
            folder, "/-/ready",
        ) as address:  # fmt: skip
            yield address


@contextmanager
def alertmanager() -> Iterator[str]:
    """An Alertmanager that tells nobody; gives its address."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        with _running(
            [
                "prometheus-alertmanager", "--config.file=alertmanager.yml", "--storage.path=data",
                "--cluster.listen-address=", "--log.level=error", "--web.listen-address=127.0.0.1:{port}",
            ],
            folder, "/-/ready",
        ) as address:  # fmt: skip
            yield address


@contextmanager
def _running(command: list[str], folder: Path, ready: str) -> Iterator[str]:
    """Start a server, on another port where one was taken in the meantime, and stop it."""
    for _ in range(_TRIES):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [word.format(port=port) for word in command], cwd=folder, stdout=log, stderr=log
            )
        try:
            address = f"http://127.0.0.1:{port}"
            if _answers(address + ready, process):
                yield address
                return
        finally:
            process.terminate()
            process.wait()
    raise AssertionError(f"{command[0]} did not start:\n{(folder / 'log').read_text()}")


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    return False
