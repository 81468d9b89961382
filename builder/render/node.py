"""/etc/rackwright: what the node's programs read, and which files an image has of ours."""

from __future__ import annotations

import json
from collections.abc import Iterable

from builder.plan.devices import OvsBridgePlan, OvsPlan, PfPlan
from builder.plan.types import ImagePlan, Scope
from builder.render.header import image_header
from builder.render.syntax import CHECKS
from builder.render.templates import Sources
from builder.render.tree import FileTree, RenderedFile

NODE = "/etc/rackwright/node.json"
LISTING = "/etc/rackwright/files"
IMAGE_RELEASE = "/etc/rackwright/image-release"
# Programs of version 1 know none of: offline-cpus, eswitch, rates, link-state, a port's
# other-config. They refuse version 2 in plain words, where unknown keys would end them.
VERSION = 2


def render_node(plan: ImagePlan, sources: Sources) -> Iterable[RenderedFile]:
    text = json.dumps(node_json(plan), indent=2) + "\n"
    yield RenderedFile(NODE, text.encode())
    release = sources.fill(IMAGE_RELEASE, header=image_header(plan), plan=plan)
    yield RenderedFile(IMAGE_RELEASE, release.encode())


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
        "ovs": None if plan.ovs is None else _ovs(plan.ovs),
    }


def _pf(pf: PfPlan) -> dict[str, object]:
    return {
        "name": pf.name,
        "pci": str(pf.pci),
        "id": pf.device_id,
        "driver": pf.driver,
        "mode": pf.mode,
        "eswitch": pf.eswitch,
        "num-vfs": pf.num_vfs,
        "vf-id": pf.vf_id,
        "vfs": [
            {
                "index": vf.index,
                "pci": str(vf.pci),
                "driver": vf.driver,
                "mac": vf.mac,
                "vlan": vf.vlan,
                "trust": vf.trust,
                "spoofchk": vf.spoofchk,
                "max-tx-rate": vf.max_tx_rate,
                "min-tx-rate": vf.min_tx_rate,
                "link-state": vf.link_state,
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


def with_listing(tree: FileTree, scope: Scope) -> FileTree:
    """`tree` and the list of its paths, by which a booted node reports on its files."""
    listing = "".join(f"{file.path}\n" for file in tree)
    return tree.plus([RenderedFile(LISTING, listing.encode(), scope=scope)])


def os_release_fields(plan: ImagePlan) -> tuple[str, ...]:
    """The lines os-release(5) wants of an image builder.

    The image adds them to the distribution's own text, which is not known here.
    """
    return (
        f"IMAGE_ID={CHECKS['image_word'](plan.image_name)}",
        f"IMAGE_VERSION={CHECKS['image_word'](plan.plan_id)}",
    )
