"""What the documentation tells people to type is there to be typed."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import click
import pytest
from tests.helpers.clients import BIN as CLIENTS
from tests.helpers.documented import ROOT, Command, commands, pages, programs

from packslip.cli import packslip

#: Clients that tests run; what they are told to do is held against what they know.
HELPFUL = ("flit", "hatch", "pip", "poetry", "twine", "uv")

#: Other programs, with the test that runs them in the same way, or why none can.
OTHERS = {
    "cat": "shows a file",
    "cd": "the shell's",
    "cp": "copies files of deploy/, which tests/deploy reads",
    "createdb": "tests have a PostgreSQL of their own",
    "createuser": "tests have a PostgreSQL of their own",
    "curl": "tests/flows/test_check.py",
    "devpi-export": "needs devpi; tests/exchange/test_devpi.py has what it makes",
    "docker": "needs a container engine; tests/deploy/test_compose.py reads the file",
    "echo": "the shell's",
    "flask": "tests/migrations/test_commands.py",
    "git": "needs a repository",
    "grep": "shows a part of a file",
    "helm": "needs Kubernetes; tests/deploy/test_chart.py renders the chart",
    "install": "makes a folder",
    "jf": "needs Artifactory",
    "keyring": "needs a desktop",
    "kubectl": "needs Kubernetes",
    "make": "tests/house/test_documented_commands.py",
    "mkdir": "tests/flows/test_tutorial.py",
    "pdm": "is not among the clients in requirements/clients.in",
    "pipx": "fetches; tests/flows/test_wheel.py installs the same wheel",
    "podman": "needs a container engine; tests/deploy/test_compose.py reads the file",
    "printf": "the shell's",
    "python": "tests/flows/test_tutorial.py",
    "python3": "tests/flows/test_wheel.py",
    "rm": "tests/flows/test_tutorial.py",
    "sed": "tests/flows/test_tutorial.py",
    "systemctl": "needs systemd; tests/deploy/test_systemd.py reads the units",
    "true": "the shell's",
    "umask": "the shell's",
    "useradd": "changes the machine",
    "uvx": "tests/flows/test_wheel.py",
}

#: Programs whose first words are commands of commands.
NESTED = {("uv", "pip"), ("poetry", "source"), ("uv", "tool")}


def documented() -> list[tuple[Command, list[str]]]:
    """Every program that the documentation has people run, with its words."""
    return [
        (command, [words[0].rpartition("/")[2], *words[1:]])
        for page in pages()
        for command in commands(page)
        for words in programs(command.text)
    ]


def test_there_are_many() -> None:
    assert len(documented()) > 150


def test_each_program_is_run_by_a_test_or_it_is_said_why_not() -> None:
    used = {words[0] for _, words in documented()}
    assert used - {"packslip", *HELPFUL} == OTHERS.keys()
    for reason in OTHERS.values():
        for path in re.findall(r"tests/\S+\.py", reason):
            assert (ROOT / path).is_file(), path


def test_commands_of_packslip_and_their_options_exist() -> None:
    faults = [
        f"{command.place}: {command.text}: {fault}"
        for command, words in documented()
        if words[0] == "packslip" and (fault := _fault(words[1:])) is not None
    ]
    assert faults == []


def _fault(words: list[str]) -> str | None:
    """What is wrong with these words for `packslip`."""
    command: click.Command = packslip
    options = _options(command)
    rest = iter(words)
    for word in rest:
        if word == "…":
            return None
        if word.startswith("-") and word != "-":
            name, is_given, _ = word.partition("=")
            if name not in options:
                return f"no option {name}"
            if not (is_given or options[name].is_flag or options[name].count):
                next(rest, None)
        elif isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
            options |= _options(command)
        elif isinstance(command, click.Group) and not command.invoke_without_command:
            return f"no command {word}"
    return None


def _options(command: click.Command) -> dict[str, click.Option]:
    given = [one for one in command.params if isinstance(one, click.Option)]
    told = {name: one for one in given for name in (*one.opts, *one.secondary_opts)}
    helping = command.get_help_option(click.Context(command))
    return (
        told
        | ({"--help": helping, "-h": helping} if helping else {})
        | {"--version": click.Option(["--version"], is_flag=True)}
    )


@pytest.mark.parametrize("program", HELPFUL)
def test_clients_know_what_they_are_told_to_do(program: str) -> None:
    faults = []
    for command, words in documented():
        if words[0] != program:
            continue
        depth = 3 if tuple(words[:2]) in NESTED else 2
        known = _help(tuple(words[:depth]))
        for option in words[depth:]:
            name = option.partition("=")[0]
            if name.startswith("-") and not re.search(rf"(?<![\w-]){name}(?![\w-])", known):
                faults.append(f"{command.place}: {command.text}: no option {name}")
    assert faults == []


@cache
def _help(words: tuple[str, ...]) -> str:
    done = subprocess.run(
        [Path(CLIENTS) / words[0], *words[1:], "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command, words in documented():
        if words[0] == "make":
            named = [word for word in words[1:] if "=" not in word]
            assert set(named) <= targets, command.text
