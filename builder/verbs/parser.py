"""The parser of the command line, made from the registry of verbs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Container, Iterable
from itertools import takewhile
from typing import Any

from builder import __version__
from builder.verbs import VERBS


class ProgramParser(argparse.ArgumentParser):
    """The parser of the program: what is no verb is answered with the one probably meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = sys.argv[1:] if args is None else args
        if not words:
            self.error("no verb is given\n  hint: rackwright --help lists the verbs")
        verb = next((word for word in words if not word.startswith("-")), None)
        if verb is not None and verb not in VERBS:
            self.error(f"there is no verb {verb!r}\n  hint: {_meant(verb, VERBS)}")
        return super().parse_known_args(words, namespace)


class VerbParser(argparse.ArgumentParser):
    """The parser of a verb: it refuses what it does not know itself, with its own usage.

    argparse leaves that to the parser of the program, after it missed what is required.
    """

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        known = [name for action in self._actions for name in action.option_strings]
        options = (word.partition("=")[0] for word in takewhile(lambda word: word != "--", args))
        for name in options:
            if name.startswith("--") and name not in known:
                # What one begins to spell is closer than what looks alike.
                meant = [option for option in known if option.startswith(name)] or known
                self.error(f"there is no option {name}\n  hint: {_meant(name, meant)}")
        found, others = super().parse_known_args(args, namespace)
        if others:
            self.error(f"unrecognized arguments: {' '.join(others)}")
        return found, others


def _meant(name: str, known: Iterable[str]) -> str:
    from builder.phrases import close_match  # noqa: PLC0415 -- only a mistake needs it

    close = close_match(name, known)
    return f"did you mean {close}?" if close else f"there are {', '.join(known)}"


def build_parser(wanted: Container[str] = VERBS) -> argparse.ArgumentParser:
    """The parser, with one subcommand for each verb; those not in `wanted` have no arguments yet.

    A verb's arguments come with its module, and loading all of them takes longer than `check`.
    """
    parser = ProgramParser(
        prog="rackwright",
        description="Kubernetes NFV nodes (OVS-DPDK, SR-IOV, Multus), tuned at first boot, "
        "from one YAML inventory.",
        # A script that spells an option short would break with the next option of that beginning.
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rackwright {__version__}")
    verbs = parser.add_subparsers(
        title="verbs", dest="verb", metavar="VERB", required=True, parser_class=VerbParser
    )
    for name, verb in VERBS.items():
        sub = verbs.add_parser(
            name,
            help=verb.summary,
            description=verb.summary,
            epilog=f"example:\n  {verb.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name in wanted:
            module = verb.load()
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser
