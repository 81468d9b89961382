"""The verbs of the command line; this is their registry. Each one's module is imported when called."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from builder.targets.registry import TARGETS


class VerbModule(Protocol):
    """What the module of a verb has: its arguments, and the function that does it."""

    def add_arguments(self, parser: ArgumentParser, /) -> None: ...

    def run(self, args: Namespace, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Verb:
    """One subcommand. module: imported only for a call of this verb; example: one such call."""

    module: str
    summary: str
    example: str

    def load(self) -> VerbModule:
        return cast("VerbModule", import_module(self.module))


VERBS: dict[str, Verb] = {
    "check": Verb(
        "builder.verbs.check",
        "report everything wrong with an inventory",
        "rackwright check inventory.yaml",
    ),
    "plan": Verb(
        "builder.verbs.plan",
        "show the values derived for a host and, with --explain, why",
        "rackwright plan inventory.yaml --host nfv1 --explain",
    ),
    "render": Verb(
        "builder.verbs.render",
        "write the exact files for a host",
        "rackwright render inventory.yaml --host nfv1 -o tree",
    ),
    "diff": Verb(
        "builder.verbs.diff",
        "show what changing an inventory requires: nothing, restart, reboot or a new image",
        "rackwright diff inventory.yaml changed.yaml",
    ),
    **{
        name: Verb(f"builder.verbs.{name.replace('-', '_')}", target.summary, target.example)
        for name, target in TARGETS.items()
    },
    "verify": Verb(
        "builder.verbs.verify",
        "boot an image in a QEMU twin of its machine and check it against the plan",
        "rackwright verify build/nfv inventory.yaml --host nfv1 --firmware uefi -o verdict",
    ),
    "discover": Verb(
        "builder.verbs.discover",
        "describe this machine as inventory YAML, or compare it with one",
        "rackwright discover -o inventory.yaml",
    ),
    "doctor": Verb(
        "builder.verbs.doctor",
        "list what this build host lacks and the command that installs it",
        "rackwright doctor",
    ),
    "completion": Verb(
        "builder.verbs.completion",
        "print a shell completion script",
        "rackwright completion bash",
    ),
}
