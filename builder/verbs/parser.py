"""The parser of the command line, made from the registry of verbs."""

from __future__ import annotations

import argparse
from collections.abc import Container

from builder import __version__
from builder.verbs import VERBS


def build_parser(wanted: Container[str] = VERBS) -> argparse.ArgumentParser:
    """The parser, with one subcommand for each verb; those not in `wanted` have no arguments yet.

    A verb's arguments come with its module, and loading all of them takes longer than `check`.
    """
    parser = argparse.ArgumentParser(
        prog="rackwright",
        description="Kubernetes NFV nodes (OVS-DPDK, SR-IOV, Multus), tuned at first boot, "
        "from one YAML inventory.",
        # A script that spells an option short would break with the next option of that beginning.
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rackwright {__version__}")
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)
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
