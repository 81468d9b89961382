"""`rackwright completion`: a script that completes the command line in a shell."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import shtab

from builder.verbs.parser import build_parser

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="shell that is to read the script")


def run(args: argparse.Namespace) -> int:
    parser = build_parser()
    for action in actions_of(parser):
        if action.type is Path:
            wanted = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE
            action.complete = wanted  # type: ignore[attr-defined] # as shtab's documents have it
    print(without_usage(shtab.complete(parser, args.shell)))
    return 0


def without_usage(script: str) -> str:
    """A script without shtab's comment on where to put it: README names another place."""
    return re.sub(r"^# Usage:\n(?:#.*\n)+", "", script, count=1, flags=re.MULTILINE)


def actions_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of a parser and of the parsers of its verbs."""
    for action in parser._actions:  # noqa: SLF001 -- argparse has no other list of them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 -- nor a name for this
            for sub in action.choices.values():
                yield from actions_of(sub)
        else:
            yield action
