"""`--help` teaches: every command has an example that the command itself understands, and answers at once."""

from __future__ import annotations

import re
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from deploybook import cli

ROOT = get_command(cli.app)
COMMANDS = sorted([*(each for each in ROOT.commands if each != "history"), "history compact"])  # type: ignore[attr-defined]


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.run([*command.split(), "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_is_one_that_the_command_understands(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"^ +deploybook (.+)$", help_of(command, capsys), re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert words[: len(command.split())] == command.split()
        found = ROOT
        for name in command.split():
            found = found.commands[name]  # type: ignore[attr-defined]
        with found.make_context(command, words[len(command.split()) :]):
            pass


def test_the_list_of_commands_is_whole_and_says_what_exit_codes_mean(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = help_of("", capsys)
    assert not [line for line in said.splitlines() if line.endswith("...") and "Usage" not in line]
    assert re.findall(r"^ +([0-4])  \w", said, re.MULTILINE) == ["0", "1", "2", "3", "4"]
    assert all(f"  {command.partition(' ')[0]} " in said for command in COMMANDS)


@pytest.mark.parametrize("command", ["", "build", "gate"])
def test_help_answers_in_under_three_tenths_of_a_second(command: str) -> None:
    """Of the processor. On a machine that takes 0.2 s to load what reads a command line: as much slower.

    Such a machine is not always as slow: each call is held against what was loaded right after it.
    """
    pairs = []
    for _ in range(5):
        ours = _seconds(str(Path(sys.executable).with_name("deploybook")), *command.split(), "--help")
        pairs.append((ours, _seconds(sys.executable, "-c", "import typer, typer._adapters")))
    assert any(ours < 0.3 * max(1, floor / 0.2) for ours, floor in pairs), pairs


def _seconds(*command: str) -> float:
    """Processor seconds of a command."""
    before = _children()
    subprocess.run(command, check=True, capture_output=True)
    return _children() - before


def _children() -> float:
    """Processor seconds of the processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_command_that_is_not_there_is_an_error_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["biuld"]) == 2
    assert "deploybook --help" in capsys.readouterr().err


@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in {"schema", "serve"}])
def test_every_command_can_be_quiet(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--quiet" in help_of(command, capsys)
