"""What most verbs have in common: the arguments that name inventory, host and release, and warnings."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from builder.diagnostics import format_report
from builder.model.inventory import Os
from builder.prepare import Choice, Prepared, prepare

NOBODY = """\
warning: nobody can log in to the node: the inventory has no user
  hint: access: {users: {admin: {ssh-keys: ["ssh-ed25519 …"], sudo: true}}}"""


def add_inventory(parser: ArgumentParser) -> None:
    parser.add_argument("inventory", type=Path, metavar="INV", help="inventory file")


def add_host(parser: ArgumentParser) -> None:
    parser.add_argument("--host", required=True, metavar="H", help="host in the inventory")


def add_os(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--os",
        choices=get_args(Os),
        metavar="OS",
        help="release to build for, overriding the inventory's image.os: %(choices)s",
    )


def named(option: str, kind: Any) -> Callable[[str], str]:
    """A type of argument: a name as the inventory takes it."""
    adapter: TypeAdapter[str] = TypeAdapter(kind)

    def parse(text: str) -> str:
        try:
            return adapter.validate_python(text)
        except ValidationError as fault:
            reason = fault.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise ArgumentTypeError(reason) from None

    parse.__name__ = option
    return parse


def prepare_aloud(
    path: Path, choose: Choice, os: str | None = None, *, for_login: bool = False
) -> Prepared:
    """`prepare`, with warnings told; errors end the verb, and the command line tells them.

    for_login: what is made is to let people in.
    """
    prepared = prepare(path, choose, os)
    warnings = format_report(prepared.report, prepared.marks.lines)
    if warnings:
        print(warnings, file=sys.stderr)
    if for_login and not prepared.inventory.access.users:
        print(NOBODY, file=sys.stderr)
    return prepared
