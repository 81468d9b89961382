"""What a node has to do at its first boot, as the program that does it reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from builder.catalog.releases import OsRelease
from builder.plan.nouns.host import HostPlan, UserPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.packages import BOOT
from builder.render import cmdline, os_release_fields
from builder.render.templates import seed_programs
from builder.render.tree import FileTree, RenderedFile

# golden: the image has every file of image scope; stock: an image of the distribution's.
Boots = Literal["golden", "stock"]


@dataclass(frozen=True, slots=True)
class Booted:
    """What the machines boot. mirror: the inventory's, which a stock image installs from."""

    boots: Boots
    mirror: str | None = None


SEED = "/var/lib/rackwright/seed"
PROGRAM = "/var/lib/cloud/scripts/per-boot/rackwright"
PROGRAMS = f"{SEED}/programs"
MAIN = "first_boot.py"
_COMMON = ("rackwright_seed.py", "seed_access.py", "seed_secrets.py")
MODULES: Mapping[Boots, tuple[str, ...]] = {
    "golden": _COMMON,
    "stock": (*_COMMON, "seed_sources.py", "seed_stock.py"),
}
REBOOT = "/run/rackwright/reboot"
# Name of the host whose SSH keys are on the disk.
HOST_KEYS = f"{SEED}/host-keys"
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


@dataclass(frozen=True, slots=True)
class HostOrder:
    """A host's own part. order, access: ids of what is to be done; file: the entry of write_files."""

    order: str
    access: str
    file: WriteFile


def image_order(
    plan: ImagePlan, tree: FileTree, booted: Booted, templates: Mapping[str, str]
) -> ImageOrder:
    """What turns what is booted into the image of `plan`; of a golden image, which one it must be.

    tree: of image scope. templates: those of templates/, by path.
    """
    boots = booted.boots
    files = tuple(tree) if boots == "stock" else ()
    todo = _stock(plan, files, booted.mirror) if boots == "stock" else {"plan-id": plan.plan_id}
    text = _json({"boots": boots, **todo})
    texts = seed_programs(templates)
    programs = {name: texts[name] for name in (MAIN, *MODULES[boots])}
    return ImageOrder(
        digest=hashlib.sha256(_json([text, programs]).encode()).hexdigest(),
        cmdline=cmdline(plan),
        files=(
            *(_staged(file) for file in files if not file.is_symlink),
            {"path": f"{SEED}/image.json", "permissions": "0600", "content": text},
            *(
                {"path": f"{PROGRAMS}/{name}", "permissions": "0600", "content": programs[name]}
                for name in MODULES[boots]
            ),
            {"path": PROGRAM, "permissions": "0755", "content": programs[MAIN]},
        ),
    )


def _stock(plan: ImagePlan, files: Sequence[RenderedFile], mirror: str | None) -> dict[str, object]:
    release = plan.release
    return {
        "release": f"{release.family} {release.suite}",
        "sources": package_sources(release, mirror),
        "packages": wanted_packages(plan),
        "alternatives": {"ovs-vswitchd": DPDK_SWITCH} if plan.ovs else {},
        "files": [_todo(file) for file in files],
        "os-release": list(os_release_fields(plan)),
        "kernel": release.kernels[0].uname,
    }


def package_sources(release: OsRelease, mirror: str | None) -> dict[str, object]:
    """Where the node's apt has to find the packages; addresses only where there is a mirror."""
    base = mirror.rstrip("/") if mirror is not None else None
    return {
        "suites": dict(release.suites),
        "components": list(release.components),
        "keyring": release.archive.keyring,
        "mirror": base and {"archive": base, "security": base + release.archive.security},
    }


def host_order(plan: HostPlan, shared: ImageOrder) -> HostOrder:
    """What is asked of the host alone. Who may log in is no reason to do all else once more."""
    own = {
        "hostname": plan.hostname,
        "cmdline": list(shared.cmdline),
        "secrets": [
            {"name": s.name, "url": s.url, "path": s.path, "mode": s.mode}
            for s in sorted(plan.access.secrets, key=lambda secret: secret.name)
        ],
    }
    users = {user.name: _granted(user) for user in plan.access.users}
    order, access = _digest([shared.digest, own]), _digest(users)
    text = _json({"id": order, **own, "access": {"id": access, "users": users}})
    entry = {"path": f"{SEED}/order.json", "permissions": "0600", "content": text}
    return HostOrder(order, access, entry)


def _granted(user: UserPlan) -> dict[str, object]:
    """What has to be taken back when it is not granted any more; of a key, what it is told by."""
    return {
        "keys": sorted(
            hashlib.sha256(key_identity(key)[1].encode()).hexdigest()[:32] for key in user.ssh_keys
        ),
        "password": user.password_hash is not None,
        "sudo": user.sudo,
        "groups": sorted(user.groups),
    }


def key_identity(key: str) -> tuple[str, str]:
    """Type and body of a public key; what follows is a remark, which opens nothing."""
    kind, _, rest = key.partition(" ")
    return kind, rest.partition(" ")[0]


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


def _digest(value: Mapping[str, object] | Sequence[object]) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _json(value: Mapping[str, object] | Sequence[object]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def hosts_without_mac(plans: Iterable[HostPlan]) -> tuple[str, ...]:
    """Hosts of whose management interface no MAC is known: a stock image can tell it by name only."""
    return tuple(
        plan.hostname
        for plan in plans
        if any(item.role == "management" and item.mac is None for item in plan.interfaces)
    )
