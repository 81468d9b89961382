"""`rackwright cloud-init`: bundles (NoCloud) that make machines nodes at their first boot."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import get_args

from builder.command import SubprocessRunner
from builder.phrases import count_text, format_names
from builder.prepare import all_hosts, host_named
from builder.targets.cloud_init.bundles import write_bundles
from builder.targets.cloud_init.order import Booted, Boots, hosts_without_mac
from builder.targets.cloud_init.user_data_limits import PROVIDERS
from builder.targets.registry import TARGETS
from builder.verbs import inputs


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--host", metavar="H", help="host in the inventory")
    subject.add_argument("--all", action="store_true", help="all hosts in the inventory")
    inputs.add_os(parser)
    parser.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="DIR",
        required=True,
        help="directory to write the bundles to",
    )
    parser.add_argument(
        "--boots",
        choices=get_args(Boots),
        default="golden",
        help="what the hosts boot: the golden image of their profile, or a stock cloud image of "
        "the release (default %(default)s)",
    )
    for name, form in TARGETS["cloud-init"].forms.items():
        parser.add_argument(
            f"--{name}", action="store_true", help=f"also HOST.{name}, {form.about}"
        )
    parser.add_argument(
        "--provider",
        choices=tuple(PROVIDERS),
        help="fail if this provider would not accept the user-data; compress it where that helps",
    )


def run(args: Namespace) -> int:
    choose = host_named(args.host) if args.host is not None else all_hosts
    prepared = inputs.prepare_aloud(args.inventory, choose, args.os, for_login=True)
    plans = prepared.plans
    if args.boots == "stock":
        warn_of_missing_macs(hosts_without_mac(plans))
        warn_of_local_mirror(prepared.inventory.image.mirror)
    write_bundles(
        plans,
        Booted(args.boots, prepared.inventory.image.mirror),
        [form for form in TARGETS["cloud-init"].forms if vars(args)[form]],
        args.out,
        SubprocessRunner(),
        provider=args.provider,
        keep_others=args.host is not None,
    )
    count = len(plans)
    print(f"{count_text(count, 'host')} in {args.out}", file=sys.stderr)
    return 0


def warn_of_local_mirror(mirror: str | None) -> None:
    """A directory of this machine is none of a node's, but a stock image may have one."""
    if mirror is not None and mirror.startswith("file:"):
        print(
            f"warning: image.mirror is {mirror}: a stock image looks for it on the node itself\n"
            f"  hint: serve the directory over http, and name its address",
            file=sys.stderr,
        )


def warn_of_missing_macs(hosts: tuple[str, ...]) -> None:
    """Say which hosts a stock image may not find its network on, before anybody walks to them."""
    if hosts:
        print(
            f"warning: the MAC of the management interface of {format_names(hosts)} is not given: "
            f"at first boot, a stock image finds the port only if the kernel gives it the same "
            f"name as the inventory\n"
            f'  hint: hosts: {{{hosts[0]}: {{interfaces: {{<nic>: {{mac: "…"}}}}}}}}',
            file=sys.stderr,
        )
