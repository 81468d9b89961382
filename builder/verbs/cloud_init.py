"""`rackwright cloud-init`: what a machine's first boot makes it a node by."""

from __future__ import annotations

import json
import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from builder.catalog.releases import OsRelease
from builder.command import Command, Runner, SubprocessRunner, find_tool
from builder.errors import BuilderError, ToolMissing
from builder.execute import RECORD, replacing_directory, write_private
from builder.plan.checks import check_plans
from builder.plan.host import plan_hosts
from builder.plan.types import HostPlan
from builder.render import render_image
from builder.render.tree import FileTree
from builder.resources import read_texts
from builder.targets.cloud_init.limits import PROVIDERS, choose_form
from builder.targets.cloud_init.order import PROGRAM_SOURCE, Boots
from builder.targets.cloud_init.schemas import make_check
from builder.targets.cloud_init.seed import Seed, make_seeds
from builder.verbs import inputs
from builder.workdir import scratch_dir


def add_arguments(parser: ArgumentParser) -> None:
    inputs.add_inventory(parser)
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("--host", metavar="H", help="host of the inventory")
    subject.add_argument("--all", action="store_true", help="all hosts of the inventory")
    inputs.add_os(parser)
    parser.add_argument(
        "-o", dest="out", type=Path, metavar="DIR", required=True, help="directory to write"
    )
    parser.add_argument(
        "--boots",
        choices=get_args(Boots),
        default="golden",
        help="what the hosts boot: the golden image of their profile, or a stock cloud image of "
        "the release (default %(default)s)",
    )
    parser.add_argument("--iso", action="store_true", help="also HOST.iso, a volume named cidata")
    parser.add_argument(
        "--mime", action="store_true", help="also HOST.mime, user-data as one MIME message"
    )
    parser.add_argument(
        "--provider",
        choices=tuple(PROVIDERS),
        help="refuse user-data this provider does not take; compress it if that helps",
    )


def run(args: Namespace) -> int:
    checked = inputs.read_inventory(args.inventory)
    release = inputs.release_of(checked.inventory, args.os)
    plans = plans_of(args, checked, release)
    runner = SubprocessRunner()
    with replacing_directory(args.out) as staging:
        if args.host is not None:
            keep_others(args.out, staging, args.host)
        written = [write_seed(seed, args, staging) for seed in seeds_of(plans, args.boots, runner)]
        (staging / RECORD).write_text(json.dumps({"hosts": len(written)}) + "\n")
    count = len(written)
    print(f"{count} host{'s' if count != 1 else ''} in {args.out}", file=sys.stderr)
    return 0


def keep_others(out: Path, staging: Path, hostname: str) -> None:
    """The bundles of other hosts made before stay; this host's, in every form, are made anew."""
    own = {hostname, *(f"{hostname}.{form}" for form in ("iso", "mime")), RECORD}
    for entry in sorted(out.iterdir()) if out.is_dir() else ():
        if entry.name in own:
            continue
        if entry.is_dir():
            shutil.copytree(entry, staging / entry.name, copy_function=os.link)
        else:
            os.link(entry, staging / entry.name)


def plans_of(args: Namespace, checked: inputs.Checked, release: OsRelease) -> list[HostPlan]:
    """The plans of the hosts asked for, without an error in any; warnings are told."""
    if args.host is not None:
        plans = [inputs.plan_of_host(checked, args.host, release)]
    else:
        report = checked.report.plus(check_plans(checked.inventory, checked.marks, release))
        inputs.tell(report, checked.marks)
        if report.is_fatal:
            raise BuilderError("")
        hosts = tuple(checked.inventory.hosts)
        plans = list(plan_hosts(checked.inventory, checked.marks, hosts, release))
    if args.boots == "stock":
        tell_unfindable(plans)
    return plans


def tell_unfindable(plans: list[HostPlan]) -> None:
    """Say which hosts a stock image may not find its network on, before anybody walks to them."""
    hosts = [
        plan.hostname
        for plan in plans
        if any(item.role == "management" and item.mac is None for item in plan.interfaces)
    ]
    if hosts:
        print(
            f"warning: no MAC is known of the management interface of "
            f"{inputs.listed(tuple(hosts))}: at its first boot a stock image finds the port only "
            f"if the kernel's own name for it is the inventory's\n"
            f'  hint: hosts: {{{hosts[0]}: {{interfaces: {{<nic>: {{mac: "…"}}}}}}}}',
            file=sys.stderr,
        )


def seeds_of(plans: list[HostPlan], boots: Boots, runner: Runner) -> Iterator[Seed]:
    """The seeds of `plans`, each sound by cloud-init's schemas."""
    templates, programs = read_texts("templates"), read_texts("systemd")
    trees = trees_of(plans, templates, programs, runner)
    check = make_check(read_texts("schema"))
    shapes: set[str] = set()
    for seed in make_seeds(plans, trees, boots, templates[PROGRAM_SOURCE]):
        refuse(check(seed))
        shape = network_shape(seed)
        if shape not in shapes:
            shapes.add(shape)
            refuse(netplan_faults(seed, runner))
        yield seed


def network_shape(seed: Seed) -> str:
    """Which keys a network configuration has, and how many addresses: netplan sees each shape once."""
    ethernets = seed.network["ethernets"] if seed.network is not None else {}
    return json.dumps(
        [
            [sorted(port), [len(value) for value in port.values() if isinstance(value, list)]]
            for port in dict(ethernets).values()  # type: ignore[call-overload]
        ]
    )


def netplan_faults(seed: Seed, runner: Runner) -> tuple[str, ...]:
    """What `netplan generate` says of a network: it alone knows every key; none without netplan."""
    if seed.network is None:
        return ()
    try:
        find_tool("netplan")
    except ToolMissing:
        return ()
    with scratch_dir() as root:
        target = root / "etc/netplan/50-cloud-init.yaml"
        target.parent.mkdir(parents=True)
        # As cloud-init's renderer writes it (net/netplan.py).
        write_private(target, json.dumps({"network": seed.network}).encode())
        argv = ("netplan", "generate", "--root-dir", str(root))
        done = runner.run(Command(argv, timeout_s=60, accept=tuple(range(256))))
    said = (done.stderr + done.stdout).decode(errors="replace").replace(str(root), "")
    lines = [line for line in said.splitlines() if line.strip()]
    if done.status and not lines:
        lines = [f"netplan generate ended with {done.status}"]
    return tuple(f"{seed.hostname}/network-config: netplan generate: {line}" for line in lines)


def trees_of(
    plans: list[HostPlan],
    templates: Mapping[str, str],
    programs: Mapping[str, str],
    runner: Runner,
) -> dict[str, FileTree]:
    """The files of image scope, by plan id: each parsed back once."""
    images = {plan.image.plan_id: plan.image for plan in plans}
    trees = {}
    for key, image in images.items():
        trees[key] = render_image(image, templates, programs)
        inputs.refuse_faults(trees[key], image, runner)
    return trees


def refuse(faults: tuple[str, ...]) -> None:
    if faults:
        raise BuilderError(
            "the bundle is not what cloud-init takes",
            detail="\n".join(faults),
            hint="this is a fault of rackwright: please report it with the inventory",
        )


def write_seed(seed: Seed, args: Namespace, out: Path) -> str:
    """DIR/HOST/ with the four documents, and what else is asked for beside it."""
    files = dict(seed.files)
    if args.provider is not None:
        name, content = choose_form(seed, args.provider)
        files[name] = content
    directory = out / seed.hostname
    directory.mkdir()
    for name, content in files.items():
        # Password hashes are in it, and addresses of secrets.
        write_private(directory / name, content)
    if args.iso:
        write_private(out / f"{seed.hostname}.iso", seed.iso())
    if args.mime:
        write_private(out / f"{seed.hostname}.mime", seed.mime())
    return seed.hostname
