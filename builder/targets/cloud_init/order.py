"""What a node has to do at its first boot, as the program that does it reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.packages import BOOT
from builder.render import cmdline, os_release_fields
from builder.render.tree import FileTree, RenderedFile

# golden: the image has every file of image scope; stock: an image of the distribution's.
Boots = Literal["golden", "stock"]

SEED = "/var/lib/rackwright/seed"
PROGRAM = "/var/lib/cloud/scripts/per-boot/rackwright"
REBOOT = "/run/rackwright/reboot"
DPDK_SWITCH = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
WriteFile = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """The part all hosts of one image share.

    digest: of all in it. cmdline: kernel words. files: entries of write_files.
    """

    digest: str
    cmdline: tuple[str, ...]
    files: tuple[WriteFile, ...]


def image_order(plan: ImagePlan, tree: FileTree, boots: Boots, program: str) -> ImageOrder:
    """What turns what is booted into the image of `plan`; of a golden image, nothing.

    tree: of image scope.
    """
    files = tuple(tree) if boots == "stock" else ()
    todo = {
        "packages": wanted_packages(plan) if boots == "stock" else [],
        "alternatives": {"ovs-vswitchd": DPDK_SWITCH} if boots == "stock" and plan.ovs else {},
        "files": [_todo(file) for file in files],
        "os-release": list(os_release_fields(plan)) if boots == "stock" else [],
        # A golden image has one kernel, and its plan's id stands for it.
        "kernel": plan.release.kernels[0].uname if boots == "stock" else "",
    }
    text = _json(todo)
    return ImageOrder(
        digest=hashlib.sha256(f"{program}\0{text}".encode()).hexdigest(),
        cmdline=cmdline(plan),
        files=(
            *(_staged(file) for file in files if not file.is_symlink),
            {"path": f"{SEED}/image.json", "permissions": "0600", "content": text},
            {"path": PROGRAM, "permissions": "0755", "content": program},
        ),
    )


def host_order(plan: HostPlan, shared: ImageOrder) -> tuple[str, WriteFile]:
    """The id of the whole order, and the file of the host's own part."""
    own = {
        "cmdline": list(shared.cmdline),
        "secrets": [
            {"name": s.name, "url": s.url, "path": s.path, "mode": s.mode}
            for s in plan.access.secrets
        ],
    }
    digest = hashlib.sha256(f"{shared.digest}\0{_json(own)}".encode()).hexdigest()[:16]
    text = _json({"id": digest, **own})
    return digest, {"path": f"{SEED}/order.json", "permissions": "0600", "content": text}


def wanted_packages(plan: ImagePlan) -> list[str]:
    """The plan's packages but for the boot loader: what is booted has one that works there."""
    return [package.name for package in plan.packages if package.name not in BOOT]


def _todo(file: RenderedFile) -> dict[str, str]:
    if file.is_symlink:
        return {"path": file.path, "link": file.content.decode()}
    return {
        "path": file.path,
        "sha256": file.sha256,
        "mode": file.mode_text,
        "owner": file.owner,
    }


def _staged(file: RenderedFile) -> WriteFile:
    """Where cloud-init lays it: beside, so that its place gets the whole file or none."""
    return {"path": f"{SEED}/files{file.path}", "permissions": "0600", "content": file.text}


def _json(value: Mapping[str, object] | Sequence[object]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def hosts_without_mac(plans: Iterable[HostPlan]) -> tuple[str, ...]:
    """Hosts of whose management interface no MAC is known: a stock image can tell it by name only."""
    return tuple(
        plan.hostname
        for plan in plans
        if any(item.role == "management" and item.mac is None for item in plan.interfaces)
    )
