"""/etc/rackwright: what the node's programs read, and which files an image has of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from builder.plan.nouns.devices import NicPlan, PfPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.ovs import OvsBridgePlan, OvsPlan
from builder.render.effect import nothing
from builder.render.file_kind import FileKind
from builder.render.grammar import Faults, by_line, data_lines
from builder.render.header import image_header
from builder.render.syntax import TEXT_CHECKS
from builder.render.templates import Sources
from builder.render.tree import FileTree, RenderedFile

# Programs of version 1 know none of: offline-cpus, eswitch, up-first, set-in-card, kernel-ports,
# rates, link-state, a port's other-config. They refuse version 2 in plain words, where unknown
# keys would end them.
VERSION = 2


def render_node(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    text = json.dumps(node_json(plan), indent=2) + "\n"
    yield NODE.file(text.encode())
    yield IMAGE_RELEASE.fill(sources, header=image_header(plan), plan=plan)


def node_json(plan: ImagePlan) -> dict[str, object]:
    """What to make at boot; read by the programs of systemd/, which refuse another version."""
    return {
        "version": VERSION,
        "plan-id": plan.plan_id,
        "offline-cpus": str(plan.cpus.offline),
        "hugepages": [
            {"node": pool.node, "size-kib": pool.size_kib, "count": pool.count}
            for pool in plan.hugepages
        ],
        "pfs": [_pf(pf) for pf in plan.pfs],
        "bindings": [
            {"name": b.name, "pci": str(b.pci), "id": b.device_id, "driver": b.driver}
            for b in plan.bindings
        ],
        "kernel-ports": [
            {"name": nic.name, "pci": str(nic.pci), "id": nic.device_id, "driver": nic.driver}
            for nic in _kernel_ports(plan)
        ],
        "ovs": None if plan.ovs is None else _ovs(plan.ovs),
    }


def _kernel_ports(plan: ImagePlan) -> Iterable[NicPlan]:
    """Whole ports of Open vSwitch that stay with their kernel driver."""
    opened = {port.pci for port in plan.dpdk_ports}
    return (nic for nic in plan.nics if nic.pci in opened)


def _pf(pf: PfPlan) -> dict[str, object]:
    return {
        "name": pf.name,
        "pci": str(pf.pci),
        "id": pf.device_id,
        "driver": pf.driver,
        "mode": pf.mode,
        "eswitch": pf.eswitch,
        **({"up-first": True} if pf.up_first else {}),
        **({} if pf.set_in_card is None else {"set-in-card": pf.set_in_card}),
        "num-vfs": pf.num_vfs,
        "vf-id": pf.vf_id,
        "vfs": [
            {
                "index": vf.index,
                "pci": str(vf.pci),
                "driver": vf.driver,
                **vf.settings.by_name(),
            }
            for vf in sorted(pf.vfs, key=lambda vf: vf.index)
        ],
    }


def _ovs(ovs: OvsPlan) -> dict[str, object]:
    return {
        "other-config": {item.key: item.value for item in ovs.other_config},
        "bridges": [_bridge(bridge) for bridge in ovs.bridges],
    }


def _bridge(bridge: OvsBridgePlan) -> dict[str, object]:
    return {
        "name": bridge.name,
        "datapath-type": bridge.datapath_type,
        "fail-mode": bridge.fail_mode,
        "ports": [
            {
                "name": port.name,
                "type": port.type,
                "mtu": port.mtu,
                "options": dict(sorted(port.options.items())),
                "other-config": dict(sorted(port.other_config.items())),
            }
            for port in bridge.ports
        ],
    }


def render_listing(tree: FileTree, _sources: Sources) -> Iterable[RenderedFile]:
    """The paths of a finished tree, by which a booted node reports on its files."""
    listing = "".join(f"{file.path}\n" for file in tree)
    is_host = any(file.scope == "host" for file in tree)
    yield replace(LISTING.file(listing.encode()), scope="host" if is_host else "image")


def os_release_fields(plan: ImagePlan) -> tuple[str, ...]:
    """The lines os-release(5) wants of an image builder.

    The image adds them to the distribution's own text, which is not known here.
    """
    return (
        f"IMAGE_ID={TEXT_CHECKS['image_word'](plan.image_name)}",
        f"IMAGE_VERSION={TEXT_CHECKS['image_word'](plan.plan_id)}",
    )


def _read_node(_path: str, text: str) -> Faults:
    document = json.loads(text)
    keys = ["version", "plan-id", "offline-cpus", "hugepages", "pfs", "bindings"]
    keys += ["kernel-ports", "ovs"]
    if list(document) != keys:
        yield f"has keys {', '.join(document)}, not {', '.join(keys)}"
    if document["version"] != VERSION:
        yield f"has version {document['version']}, not {VERSION}"
    if document.get("offline-cpus"):
        TEXT_CHECKS["cpus"](document["offline-cpus"])


def _read_image_release(_path: str, text: str) -> Faults:
    for line in data_lines(text):
        if re.fullmatch(r"IMAGE_(ID|VERSION)=[a-z0-9._-]+", line) is None:
            yield f"{line!r} is not a field of os-release(5) we write"


NODE = FileKind(
    path="/etc/rackwright/node.json",
    render=render_node,
    read_back=_read_node,
    accepted_by=None,
    needs="sections of node.json",
    check="status",
)
IMAGE_RELEASE = FileKind(
    path="/etc/rackwright/image-release",
    render=render_node,
    read_back=_read_image_release,
    accepted_by=None,
    needs=nothing("names the plan; has no effect"),
    check="files",
    comments=True,
)
# Of a tree, not of a plan: so it is in no list of kinds an image is made of.
LISTING = FileKind(
    path="/etc/rackwright/files",
    render=render_listing,
    read_back=by_line(r"/[!-~]+", "an absolute path"),
    accepted_by=None,
    needs=nothing("the list of our files, for reports"),
    check="files",
)
FILES = (NODE, IMAGE_RELEASE)
