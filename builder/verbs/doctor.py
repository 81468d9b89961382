"""`rackwright doctor`: what this build host lacks, and the command that installs it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from builder.command import SubprocessRunner
from builder.needs import find_lack


def add_arguments(_parser: ArgumentParser) -> None:
    """It takes none."""


def run(_args: Namespace) -> int:
    lack = find_lack(SubprocessRunner())
    for verb in lack.programs:
        print(f"{verb:<8} {lack.verdict(verb)}")
    for fault in lack.faults:
        print(f"{'':<8} {fault}")
    if lack.packages:
        print(f"  hint: apt-get install {' '.join(lack.packages)}", file=sys.stderr)
    return 1 if lack.packages or lack.rootless or lack.faults else 0
