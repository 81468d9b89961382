"""A host's seed: the four documents of cloud-init's NoCloud data source, and forms to carry them.

One cloud-config, not several parts: cloud-init merges parts by replacing whole keys, and the
`write_files` of an earlier one is lost (cloudinit/handlers/cloud_config.py).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.plan.nouns.host import HostPlan, InterfacePlan, UserPlan
from builder.render.host import default_routes, learnt_settings
from builder.render.syntax import comment
from builder.render.tree import FileTree
from builder.targets.cloud_init.iso import make_iso
from builder.targets.cloud_init.order import (
    HOST_KEYS,
    REBOOT,
    SEED,
    Booted,
    Boots,
    HostOrder,
    ImageOrder,
    host_order,
    image_order,
    key_identity,
)
from builder.targets.cloud_init.text import document, items

VENDOR_DATA = "#cloud-config\n# Nothing: all of a host's configuration is in its user-data.\n{}\n"
NO_NETWORK = (
    "# No interface of this host is in the inventory: cloud-init asks DHCP on the first port.\n"
)
# $1: the host's name. Keys another host made, or nobody knows who, are not this one's.
FRESH_HOST_KEYS = (
    f'test "$(cat {HOST_KEYS} 2>/dev/null)" = "$1"'
    " || rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub"
)


@dataclass(frozen=True, slots=True)
class Seed:
    """One host's seed. config, network: what user_data and network_config say, as data."""

    hostname: str
    instance_id: str
    user_data: bytes
    meta_data: bytes
    vendor_data: bytes
    network_config: bytes
    config: Mapping[str, object]
    network: Mapping[str, object] | None

    @property
    def files(self) -> dict[str, bytes]:
        """By the names NoCloud asks for, in a directory, on a volume or behind HTTP.

        All four: a missing one costs retries over HTTP (cloud-init 24.3, breaking_changes.rst).
        """
        return {
            "user-data": self.user_data,
            "meta-data": self.meta_data,
            "vendor-data": self.vendor_data,
            "network-config": self.network_config,
        }

    def iso(self) -> bytes:
        """A volume labelled cidata."""
        return make_iso(self.files)

    def mime(self) -> bytes:
        """user-data as one message of MIME, for providers that want it so."""
        boundary = f"==={self.instance_id}==="
        body = base64.encodebytes(self.user_data).decode("ascii").rstrip("\n")
        lines = (
            f'Content-Type: multipart/mixed; boundary="{boundary}"',
            "MIME-Version: 1.0",
            "",
            f"--{boundary}",
            'Content-Type: text/cloud-config; charset="utf-8"',
            "MIME-Version: 1.0",
            "Content-Transfer-Encoding: base64",
            'Content-Disposition: attachment; filename="user-data"',
            "",
            body,
            f"--{boundary}--",
            "",
        )
        return "\n".join(lines).encode("ascii")

    def compressed(self) -> bytes:
        """user-data in gzip, which cloud-init finds out by itself; no time in it."""
        return gzip.compress(self.user_data, mtime=0)


def make_seeds(
    plans: Iterable[HostPlan],
    trees: Mapping[str, FileTree],
    booted: Booted,
    templates: Mapping[str, str],
) -> Iterator[Seed]:
    """The seeds of hosts, one at a time; what hosts of one image share is made once.

    trees: of image scope, by the image's plan id. templates: those of templates/, by path.
    """
    shared: dict[str, tuple[ImageOrder, bytes]] = {}
    for plan in plans:
        image = plan.image
        if image.plan_id not in shared:
            order = image_order(image, trees[image.plan_id], booted, templates)
            shared[image.plan_id] = order, items(order.files, 2).encode()
        yield _make_seed(plan, booted.boots, *shared[image.plan_id])


def _make_seed(plan: HostPlan, boots: Boots, order: ImageOrder, shared: bytes) -> Seed:
    own = host_order(plan, order)
    head = _identity(plan, own)
    config = {**head, "write_files": [own.file, *order.files]}
    text = (
        f"#cloud-config\n{comment(_about(plan, boots))}\n"
        f"{document(head)}write_files:\n{items([own.file], 2)}"
    ).encode()
    network = network_config(plan.interfaces)
    networks = (document(network) if network is not None else NO_NETWORK).encode()
    instance = _instance_id(plan, head, network)
    meta = document({"instance-id": instance, "local-hostname": plan.hostname})
    return Seed(
        hostname=plan.hostname,
        instance_id=instance,
        user_data=text + shared,
        meta_data=meta.encode(),
        vendor_data=VENDOR_DATA.encode(),
        network_config=networks,
        config=config,
        network=network,
    )


def _instance_id(plan: HostPlan, head: Mapping[str, object], network: object) -> str:
    """Another one for any change that has an effect: cloud-init then does everything once more.

    Not for the remark of a key, nor for the order users and keys are in. The ids in `head` stand
    for the files.
    """
    users = {user.name: _user(_without_remarks(user)) for user in plan.access.users}
    basis = [{**head, "users": users}, network]
    whole = hashlib.sha256(json.dumps(basis, sort_keys=True, ensure_ascii=True).encode())
    return f"iid-{whole.hexdigest()[:16]}"


def _without_remarks(user: UserPlan) -> UserPlan:
    keys = {" ".join(key_identity(key)) for key in user.ssh_keys}
    return replace(user, ssh_keys=tuple(sorted(keys)), groups=tuple(sorted(user.groups)))


def _about(plan: HostPlan, boots: Boots) -> str:
    image = plan.image
    booted = "its golden image" if boots == "golden" else f"a stock image of {image.release.id}"
    return (
        f"Made by rackwright for host {plan.hostname} (hardware class {image.hardware}, profile "
        f"{image.profile}), which boots {booted}. Change the inventory, not this file."
    )


def _identity(plan: HostPlan, own: HostOrder) -> dict[str, object]:
    """All of user-data but its files."""
    is_done = f"test -e {SEED}/{own.order}/applied && test -e {SEED}/access/{own.access}"
    access = {"users": [_user(user) for user in plan.access.users]} if plan.access.users else {}
    return {
        # In the init stage at every boot, before all modules that run once an instance. Those
        # leave their mark before they begin, not when they are through (cloudinit/helpers.py,
        # FileSemaphores): after a power cut a half-written file would stay as it is.
        "bootcmd": [
            ["sh", "-c", f"{{ {is_done}; }} || rm -rf /var/lib/cloud/instance/sem/*"],
            # In place of ssh_deletekeys, which makes new ones for each change of the inventory.
            ["sh", "-c", FRESH_HOST_KEYS, "sh", plan.hostname],
        ],
        "hostname": plan.hostname,
        **({"fqdn": plan.hostname} if "." in plan.hostname else {}),
        "prefer_fqdn_over_hostname": True,
        "manage_etc_hosts": "localhost",
        **access,
        "ssh_pwauth": False,
        "ssh_deletekeys": False,
        "power_state": {
            "mode": "reboot",
            "delay": "now",
            "timeout": 120,
            "message": "rackwright: the kernel gets its new command line",
            "condition": ["test", "-e", REBOOT],
        },
    }


def _user(user: UserPlan) -> dict[str, object]:
    return {
        "name": user.name,
        "shell": "/bin/bash",
        "lock_passwd": user.password_hash is None,
        **({"hashed_passwd": user.password_hash} if user.password_hash else {}),
        **({"groups": list(user.groups)} if user.groups else {}),
        **({"sudo": "ALL=(ALL) NOPASSWD:ALL"} if user.sudo else {}),
        **({"ssh_authorized_keys": list(user.ssh_keys)} if user.ssh_keys else {}),
    }


def network_config(interfaces: Sequence[InterfacePlan]) -> dict[str, object] | None:
    """Version 2, as netplan has it; a port whose MAC is known is found by it.

    Netplan cannot match a PCI path: other ports are found by the name a .link file gives them
    by their PCI address, in a golden image from the start, in a stock one from its second boot.
    """
    if not interfaces:
        return None
    return {"version": 2, "ethernets": {item.name: _ethernet(item) for item in interfaces}}


def _ethernet(item: InterfacePlan) -> dict[str, object]:
    out: dict[str, object] = {}
    if item.mac is not None:
        out |= {"match": {"macaddress": item.mac}, "set-name": item.name}
    out["dhcp4"] = item.dhcp4
    if item.dhcp4:
        out["dhcp-identifier"] = "mac"
    out["dhcp6"] = item.dhcp6
    out |= learnt_settings(item)
    if item.role != "management":
        out["optional"] = True
    if item.addresses:
        out["addresses"] = list(item.addresses)
    if item.gateways:
        out["routes"] = default_routes(item)
    if item.nameservers:
        out["nameservers"] = {"addresses": list(item.nameservers)}
    if item.mtu is not None:
        out["mtu"] = item.mtu
    return out
