"""A plan told to people: each value, why it is so, and the inventory line it rests on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from builder.diagnostics import format_path
from builder.plan.encode import Json, encode
from builder.plan.types import HostPlan, ImagePlan
from builder.plan.why import Why

WIDTH = 120
INDENT = "  "
# A longer value has its line to itself, with the reason below it.
VALUE_WIDTH = 44


@dataclass(frozen=True, slots=True)
class Line:
    """A value of a plan and its reason."""

    value: str
    why: Why


def to_json(plan: HostPlan) -> dict[str, Json]:
    """The plan as JSON data: the fields of `builder.plan.types` in kebab-case.

    Stable: keys are only ever added. CPU sets, PCI addresses and MACs are text; each `why` is
    {"reason": text, "origins": [{"key": "profiles.nfv.…", "file": text, "line": number}]}.
    """
    data = encode(plan, reasons=True)
    assert isinstance(data, dict)  # a dataclass always encodes to an object
    return data


def explain(plan: HostPlan) -> str:
    """The whole plan by subject, `value ← reason ← file:line key`, at most 120 columns where
    no single word is longer.
    """
    parts = ["\n".join(_head(plan))]
    for subject, lines in _subjects(plan):
        rows = list(lines)
        if rows:
            parts.append("\n".join([subject, *_format(rows)]))
    return "\n\n".join(parts) + "\n"


def summary(plan: HostPlan) -> str:
    """The values alone, by subject: what `explain` tells without the reasons."""
    parts = ["\n".join(_head(plan))]
    for subject, lines in _subjects(plan):
        rows = [f"{INDENT}{line.value}" for line in lines]
        if rows:
            parts.append("\n".join([subject, *rows]))
    return "\n\n".join(parts) + "\n"


def _head(plan: HostPlan) -> tuple[str, str, str]:
    image = plan.image
    return (
        f"{plan.hostname}: hardware {image.hardware}, profile {image.profile}, {image.release.id}",
        f"host plan {plan.plan_id}",
        f"image plan {image.plan_id}",
    )


def _subjects(plan: HostPlan) -> Iterator[tuple[str, Iterable[Line]]]:
    """Headings with their lines, in the order of reading."""
    image = plan.image
    yield "Host", [Line(plan.hostname, plan.why), *_interfaces(plan)]
    yield "CPUs", _cpus(image)
    yield "Hugepages", _hugepages(image)
    yield "Kernel command line", (Line(str(arg), arg.why) for arg in image.kernel_args)
    yield "Kernel modules", _modules(image)
    yield "Kernel settings (sysctl)", (Line(f"{s.key}={s.value}", s.why) for s in image.sysctls)
    yield (
        "Network ports the kernel keeps",
        (Line(f"{nic.name} {nic.pci} {nic.driver}", nic.why) for nic in image.nics),
    )
    yield (
        "Network ports given to Open vSwitch",
        (Line(f"{item.name} {item.pci} {item.driver}", item.why) for item in image.bindings),
    )
    yield "Virtual functions", _vfs(image)
    yield "Open vSwitch", _ovs(image)
    yield "Packages", _packages(image)


def _interfaces(plan: HostPlan) -> Iterator[Line]:
    for item in plan.interfaces:
        how = ["dhcp4"] * item.dhcp4 + ["dhcp6"] * item.dhcp6 + list(item.addresses)
        yield Line(" ".join([item.name, *how]), item.why)


def _cpus(image: ImagePlan) -> Iterator[Line]:
    for role, why in image.cpus.why.items():
        yield Line(f"{role} {image.cpus.with_role(role) or 'none'}", why)


def _hugepages(image: ImagePlan) -> Iterator[Line]:
    for pool in image.hugepages:
        size = "1G" if pool.size_kib == 1048576 else "2M"
        yield Line(f"node {pool.node}: {pool.count} of {size}", pool.why)


def _modules(image: ImagePlan) -> Iterator[Line]:
    yield from (Line(module.name, module.why) for module in image.modules)
    for option in image.module_options:
        yield Line(f"options {option.module} {option.name}={option.value}", option.why)
    for name, why in image.module_files.items():
        yield Line(f"modprobe.d/{name}.conf", why)


def _vfs(image: ImagePlan) -> Iterator[Line]:
    for pf in image.pfs:
        yield Line(f"{pf.name} {pf.pci} {pf.driver}: {pf.num_vfs} VFs", pf.why)
        for vf in pf.vfs:
            yield Line(f"{INDENT}VF {vf.index} {vf.pci} {vf.driver or 'kernel'}", vf.why)


def _ovs(image: ImagePlan) -> Iterator[Line]:
    if image.ovs is None:
        return
    for setting in image.ovs.other_config:
        yield Line(f"{setting.key}={setting.value}", setting.why)
    for bridge in image.ovs.bridges:
        yield Line(f"{bridge.name} {bridge.datapath_type} {bridge.fail_mode}", bridge.why)
        for port in bridge.ports:
            yield Line(
                f"{INDENT}{port.name} mtu={port.mtu} n_rxq={port.options['n_rxq']}", port.why
            )


def _packages(image: ImagePlan) -> Iterator[Line]:
    """By what they are there for, then by name."""
    lines = [Line(package.name, package.why) for package in image.packages]
    yield from sorted(lines, key=lambda line: (_origins(line), line.value))


def _format(rows: list[Line]) -> Iterator[str]:
    """Values in one column, reasons in the next; an origin shared by neighbours shown once."""
    short = [len(row.value) for row in rows if len(row.value) <= VALUE_WIDTH]
    column = len(INDENT) + max(short, default=0) + 2
    for origins, group in groupby(rows, key=_origins):
        for row in group:
            yield from _value_and_reason(row, column)
        for text in origins:
            yield f"{' ' * column}← {text}"


def _value_and_reason(row: Line, column: int) -> Iterator[str]:
    reason = textwrap.wrap(
        f"← {row.why.reason}",
        WIDTH,
        initial_indent=" " * column,
        subsequent_indent=" " * (column + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    value = f"{INDENT}{row.value}"
    if len(value) + 2 <= column:
        yield value.ljust(column) + reason[0][column:]
        yield from reason[1:]
    else:
        yield value
        yield from reason


def _origins(row: Line) -> tuple[str, ...]:
    return tuple(
        f"{origin.where.file}:{origin.where.line} {format_path(origin.path)}"
        for origin in row.why.origins
    )
