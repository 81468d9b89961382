"""The verbs of the command line, one module each; this is their registry."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from builder.verbs import check, cloud_init, diff, discover, doctor, image, plan, render, verify


@dataclass(frozen=True, slots=True)
class Verb:
    """One subcommand: its help, its arguments, and the function that does it."""

    summary: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


VERBS: dict[str, Verb] = {
    "check": Verb("report everything wrong with an inventory", check.add_arguments, check.run),
    "plan": Verb(
        "show the values derived for a host, with --explain also why", plan.add_arguments, plan.run
    ),
    "render": Verb("write the exact files of a host", render.add_arguments, render.run),
    "diff": Verb(
        "tell what a change of an inventory needs on its nodes", diff.add_arguments, diff.run
    ),
    "cloud-init": Verb(
        "write what the first boot of hosts makes them nodes by",
        cloud_init.add_arguments,
        cloud_init.run,
    ),
    "image": Verb("build a golden image", image.add_arguments, image.run),
    "verify": Verb(
        "boot an image in a twin of its machine and check it against the plan",
        verify.add_arguments,
        verify.run,
    ),
    "discover": Verb(
        "tell what this machine is, as part of an inventory or against one",
        discover.add_arguments,
        discover.run,
    ),
    "doctor": Verb("tell what this build host lacks", doctor.add_arguments, doctor.run),
}
