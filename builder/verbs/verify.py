"""`rackwright verify`: boot an image in a twin of its machine, compare it with the plan."""

from __future__ import annotations

import json
import math
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from builder.errors import BuilderError
from builder.execute import write_file
from builder.model.hardware import HardwareClass
from builder.monitor import TextMonitor
from builder.plan.devices import PfPlan
from builder.plan.types import HostPlan
from builder.targets.image.manifest import Manifest, ManifestFile, read_manifest
from builder.targets.image.outputs import describe
from builder.targets.image.request import QCOW2, RAW
from builder.verbs import inputs
from builder.verify.checks import run_checks
from builder.verify.facts import parse_facts
from builder.verify.qemu import boot
from builder.verify.report import Verdict, to_json, to_text
from builder.verify.spec import Firmware, TwinNic, TwinNode, TwinSpec, VfWishes
from builder.verify.twin import TwinMachine, plan_twin
from builder.workdir import scratch_dir

BOOT_TIMEOUT_S = 900


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "image",
        type=Path,
        metavar="IMAGE",
        help="raw or qcow2 image, its manifest.json, or their directory",
    )
    inputs.add_inventory(parser)
    inputs.add_host(parser)
    inputs.add_os(parser)
    parser.add_argument(
        "--firmware",
        choices=get_args(Firmware),
        default="bios",
        help="what the twin boots with (default %(default)s)",
    )
    parser.add_argument(
        "-o",
        dest="out",
        type=Path,
        metavar="DIR",
        help="directory for report.json, facts.json and console.log",
    )
    parser.add_argument(
        "--facts",
        type=Path,
        metavar="FILE",
        help="judge these facts of an earlier boot instead of booting",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=BOOT_TIMEOUT_S,
        metavar="SECONDS",
        help="give up when the twin has not reported by then (default %(default)s)",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show passed checks one by one"
    )


def seconds(text: str) -> float:
    """A time to wait, from the command line."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text!r} is no number of seconds")
    return number


@dataclass(frozen=True, slots=True)
class Subject:
    """The artefact to boot, and what its manifest says of it, if it has one."""

    path: Path
    sha256: str | None
    host: str | None
    release: str | None


def run(args: Namespace) -> int:
    subject = find_subject(args.image)
    checked = inputs.read_inventory(args.inventory)
    release = inputs.release_of(checked.inventory, args.os or subject.release)
    plan = inputs.plan_of_host(checked, args.host, release)
    refuse_other_host(subject, args.host)
    hardware = checked.inventory.hardware[plan.image.hardware]
    twin = plan_twin(spec_of(hardware, plan, args.firmware))
    with scratch(args.out) as out:
        facts, seconds = observe(args, twin, subject, out)
        verdict = judge(plan, subject, twin, facts, seconds)
        write_file(out / "facts.json", facts)
        report = json.dumps(to_json(verdict), indent=1) + "\n"
        write_file(out / "report.json", report.encode())
    print(to_text(verdict, verbose=args.verbose, colour=sys.stdout.isatty()))
    return verdict.exit_code


@contextmanager
def scratch(out: Path | None) -> Iterator[Path]:
    """The directory of the results: the one asked for, or one that goes away."""
    if out is not None:
        yield out
        return
    with scratch_dir() as work:
        yield work


def observe(
    args: Namespace, twin: TwinMachine, subject: Subject, out: Path
) -> tuple[bytes, float | None]:
    """Facts and seconds to them: of a boot now, or of an earlier one."""
    if args.facts is not None:
        try:
            return args.facts.read_bytes(), None
        except OSError as fault:
            raise BuilderError(f"{args.facts}: {fault.strerror}") from None
    result = boot(twin, subject.path, timeout_s=args.timeout, workdir=out, monitor=TextMonitor())
    return result.facts_json, result.seconds


def judge(
    plan: HostPlan, subject: Subject, twin: TwinMachine, facts: bytes, seconds: float | None
) -> Verdict:
    """The verdict: an image of one host is judged by all its files, a golden one by its own."""
    judged = plan if subject.host is not None else plan.image
    tree = inputs.tree_of_host(plan) if subject.host else inputs.tree_of_image(plan.image)
    return Verdict(
        results=run_checks(
            judged, tree, parse_facts(facts), twin.substitutions, firmware=twin.firmware
        ),
        plan_id=judged.plan_id,
        image=str(subject.path),
        image_sha256=subject.sha256,
        firmware=twin.firmware,
        seconds=seconds,
        substitutions=twin.substitutions,
        not_emulated=twin.limits,
    )


def find_subject(given: Path) -> Subject:
    """The image behind a path: itself, or what the manifest there lists."""
    directory = given if given.is_dir() else given.parent
    named = given.suffix != ".json" and not given.is_dir()
    path = directory / "manifest.json" if named or given.is_dir() else given
    if named and not path.is_file():
        return Subject(given, None, None, None)
    manifest = read_manifest(path)
    try:
        if named:
            return subject_of(given, manifest)
        for kind in (RAW, QCOW2):
            if kind in manifest["artefacts"]:
                return subject_of(directory / manifest["artefacts"][kind]["file"], manifest)
    except (TypeError, KeyError, AttributeError):
        raise BuilderError(f"{path} is damaged", hint="build the image again") from None
    raise BuilderError(f"{path} lists no raw or qcow2 image", hint="build one with --format raw")


def subject_of(path: Path, manifest: Manifest) -> Subject:
    """`path` with what its manifest, if it is listed there, says of it."""
    for item in manifest["artefacts"].values():
        if item["file"] == path.name:
            refuse_changed(path, item)
            return Subject(path, item["sha256"], manifest["host"], manifest["release"]["id"])
    return Subject(path, None, None, None)


def refuse_changed(path: Path, item: ManifestFile) -> None:
    """A verdict names the digest of the image: the file must have it."""
    if not path.is_file():
        return  # booting it says so
    size = path.stat().st_size
    if size < item["size"]:
        raise BuilderError(
            f"{path} is truncated: its manifest says {item['size']} bytes, it has {size}",
            hint="build it again with `rackwright image`",
        )
    if describe(path).sha256 != item["sha256"]:
        raise BuilderError(
            f"{path} is not the file its manifest tells of: the sha256 differs",
            hint="build it again with `rackwright image`, or verify a copy in another directory",
        )


def refuse_other_host(subject: Subject, host: str) -> None:
    if subject.host is not None and subject.host != host:
        raise BuilderError(
            f"{subject.path} is the image of host {subject.host!r}, not of {host!r}",
            hint=f"verify it with --host {subject.host}, or build the image of {host}",
        )


def spec_of(hardware: HardwareClass, plan: HostPlan, firmware: Firmware) -> TwinSpec:
    """The hardware class as the twin planner takes it."""
    vfs = {pf.pci: pf.num_vfs for pf in plan.image.pfs}
    wishes = {pf.pci: wishes_of(pf) for pf in plan.image.pfs}
    macs = {interface.name: interface.mac for interface in plan.interfaces}
    return TwinSpec(
        nodes=tuple(TwinNode(tuple(node.cpus), node.memory) for node in hardware.numa),
        nics=tuple(
            TwinNic(
                pci=str(nic.pci),
                model=nic.model,
                numa=nic.numa,
                num_vfs=vfs.get(nic.pci, 0),
                mac=macs.get(nic.name),
                wishes=wishes.get(nic.pci, VfWishes()),
            )
            for nic in hardware.nics
        ),
        firmware=firmware,
        vendor=hardware.cpu.vendor,
        pdpe1gb=hardware.cpu.pdpe1gb,
        smt=any(len(core) > 1 for core in plan.image.cpus.cores),
        idle_poll=any(str(arg) == "idle=poll" for arg in plan.image.kernel_args),
    )


def wishes_of(pf: PfPlan) -> VfWishes:
    return VfWishes(
        switchdev=pf.eswitch == "switchdev",
        rate=max((vf.max_tx_rate or 0 for vf in pf.vfs), default=0),
        floor=any(vf.min_tx_rate for vf in pf.vfs),
        link_state=any(vf.link_state not in (None, "auto") for vf in pf.vfs),
    )
