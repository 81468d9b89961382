"""What is stored of machine shapes: derived values in rows, and no texts.

The golden trees hold the texts; of a shape's files a row has the settings, without comments.
`<tuning>.txt` has the rows all shapes of that tuning share, `<shape>.txt` those it has besides,
and `reasons.txt` each reason a plan gives, after the number of shapes that give it. What people
are told of a plan is whole for a few shapes, in `told-<shape>.txt`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import golden
import shapes

from builder.diagnostics import Report, format_path
from builder.model.values import CpuSet
from builder.plan.encode import Json, plan_data
from builder.plan.explain import summary, to_json
from builder.plan.nouns.devices import PhysicalPort
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.ovs import OvsPortPlan
from builder.render.grub import GRUB, read_grub_cmdline
from builder.render.node import LISTING, NODE

STORED = Path(__file__).resolve().parent / "shapes"
Rows = dict[str, str]


def read_rows(name: str) -> Rows:
    """The stored rows of a shape."""
    texts = (_path(part).read_text(encoding="utf-8") for part in (shapes.tuning_of(name), name))
    lines = (line for text in texts for line in text.splitlines())
    return {key: value for key, _, value in (line.partition(": ") for line in lines)}


def stored_files(
    rows: Mapping[str, Rows], reasons: Counter[str], told: Mapping[str, str]
) -> dict[Path, str]:
    """All that is stored, by path. rows: of every shape."""
    common: dict[str, Rows] = {}
    for name, own in rows.items():
        shared = common.setdefault(shapes.tuning_of(name), own)
        common[shapes.tuning_of(name)] = dict(shared.items() & own.items())
    files = {}
    for name, own in rows.items():
        tuning = shapes.tuning_of(name)
        files[_path(tuning)] = _text({key: own[key] for key in own if key in common[tuning]})
        files[_path(name)] = _text({k: v for k, v in own.items() if k not in common[tuning]})
    lines = [f"{count:>2} {reason}\n" for reason, count in sorted(reasons.items())]
    files[_path("reasons")] = "".join(lines)
    return {**files, **{_path(f"told-{name}"): text for name, text in told.items()}}


def _path(name: str) -> Path:
    return STORED / f"{name}.txt"


def _text(rows: Rows) -> str:
    return "".join(f"{key}: {value}\n" if value else f"{key}\n" for key, value in rows.items())


def rows_of(plan: HostPlan, said: Report) -> Rows:
    """All of a shape: what is said of it, what the plan alone knows, and what its files set."""
    image = plan.image
    return {
        **dict(_said(said)),
        **dict(_nodes(image)),
        **dict(_ports(image)),
        **dict(_flat("demands", plan_data(image.page_demands, reasons=False))),
        **dict(_flat("kubelet", plan_data(image.kubelet, reasons=False))),
        **{f"package {name}": "" for name in sorted(one.name for one in image.packages)},
        **dict(_files(plan)),
    }


def reasons_of(plan: HostPlan) -> set[str]:
    """Each reason of the image plan, with the keys it rests on."""
    found = set(_reasons(to_json(plan)["image"]))
    return {re.sub(r"\b(hardware|profiles)\.[\w-]+", r"\1.*", reason) for reason in found}


def told_of(plan: HostPlan) -> str:
    """The plan told to people, without its ids: any change of a plan would show there."""
    text = summary(plan).replace(plan.plan_id, "<plan id>")
    return text.replace(plan.image.plan_id, "<plan id>")


def _said(report: Report) -> Iterator[tuple[str, str]]:
    for number, item in enumerate(report.items):
        yield f"{item.severity}[{number}]", f"{format_path(item.path)}: {item.message}"
        yield f"{item.severity}[{number}].hint", item.hint or ""


def _nodes(image: ImagePlan) -> Iterator[tuple[str, str]]:
    cpus = image.cpus
    roles = {name: cpus.with_role(name) for name in ("housekeeping", "pmd", "pods", "offline")}
    for node, own in enumerate(cpus.nodes):
        cores = sum(1 for core in cpus.cores if set(core) <= set(own))
        here = {name: CpuSet.of(set(own) & set(role)) for name, role in roles.items()}
        words = [f"{image.memory_mib[node]} MiB", f"{cores} cores"]
        yield f"node {node}", ", ".join(words + [f"{n} {set_}" for n, set_ in here.items() if set_])


def _ports(image: ImagePlan) -> Iterator[tuple[str, str]]:
    """What no file has: the NUMA node of each port, and whom each VF is for."""
    bridges = image.ovs.bridges if image.ovs is not None else ()
    ports: list[PhysicalPort | OvsPortPlan] = [*image.nics, *image.pfs, *image.bindings]
    ports += [port for bridge in bridges for port in bridge.ports]
    yield "numa", ", ".join(f"{port.name} {port.numa}" for port in ports)
    for pf in image.pfs:
        users = (f"{vf.index} {vf.use} {vf.pool or ''}".rstrip() for vf in pf.vfs)
        yield f"VFs of {pf.name}", ", ".join(users)


def _files(plan: HostPlan) -> Iterator[tuple[str, str]]:
    """Mode, owner and scope of every file, and its settings, or what it is a copy of."""
    files = golden.to_golden(golden.tree_of(plan))
    for line in files["MANIFEST"].decode().splitlines():
        mode, owner, scope, path, *source = line.split(" ")
        text = files.get(f"tree{path}", b"").decode().replace(plan.image.plan_id, "<plan id>")
        yield path, " ".join([mode, owner, scope, *source, *_settings(path, text)])
        if path == GRUB.path:
            yield from _kernel_words(read_grub_cmdline(text))
        if path == NODE.path:
            yield from _flat("node", json.loads(text))


def _settings(path: str, text: str) -> list[str]:
    """Lines but for comments, the list of all files, and what has rows of its own."""
    lines = (line.strip() for line in text.splitlines() if path not in (NODE.path, LISTING.path))
    aside = ("#", "GRUB_CMDLINE_LINUX=")
    return [f"| {line}" for line in lines if line and not line.startswith(aside)]


def _kernel_words(cmdline: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The order of the words, and the values of each name."""
    words = [word.partition("=") for word in cmdline]
    yield "kernel", " ".join(name for name, _, _ in words)
    for name in dict.fromkeys(name for name, equals, _ in words if equals):
        yield f"kernel {name}", " ".join(value for other, _, value in words if other == name)


def _flat(path: str, value: Json) -> Iterator[tuple[str, str]]:
    """A row for each object of a document: what it has that is no list, no object and not null."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _flat(f"{path}[{number}]", item)
    elif isinstance(value, dict):
        parts = {key: one for key, one in value.items() if isinstance(one, dict | list)}
        told = {k: one for k, one in value.items() if k not in parts and one is not None}
        yield path, " ".join(f"{key}={json.dumps(one)}" for key, one in told.items())
        for key, part in parts.items():
            yield from _flat(f"{path}.{key}", part)
    elif value is not None:
        yield path, json.dumps(value)


def _reasons(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.keys() == {"reason", "origins"}:
            yield f"{value['reason']} [{', '.join(origin['key'] for origin in value['origins'])}]"
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _reasons(item)
