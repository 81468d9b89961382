"""Rules on access: nobody is locked out unawares, and no secret stands in the inventory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pydantic import BaseModel

from builder.catalog.accounts import SYSTEM_ACCOUNTS
from builder.diagnostics import KeyPath
from builder.model.base import kebab
from builder.model.inventory import Inventory
from builder.rule import SEE, Finding, Rule

# What is a secret by its look. kubeadm: [a-z0-9]{6}.[a-z0-9]{16}, all of a value or after
# `=`, `:` or a blank, so that no version or host name is taken for one
# (kubernetes, staging/src/k8s.io/cluster-bootstrap/token/api/types.go, BootstrapTokenPattern).
SECRETS = {
    "a kubeadm token": re.compile(r"(^|[=: ])[a-z0-9]{6}\.[a-z0-9]{16}($|[ ,&])"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a JSON web token": re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."),
    "a password": re.compile(r"(password|passwd|secret)=\S", re.IGNORECASE),
}

# What logins, boot and our own programs live by.
SYSTEM_FILES = frozenset(
    f"/etc/{name}"
    for name in (
        "passwd", "shadow", "group", "gshadow", "sudoers", "fstab", "hostname", "hosts", "crypttab",
        "machine-id", "os-release", "resolv.conf", "ld.so.preload", "nsswitch.conf", "profile",
        "environment",
    )
)  # fmt: skip
NOT_FOR_SECRETS = (
    "/boot/", "/dev/", "/proc/", "/sys/", "/run/", "/usr/", "/bin/", "/sbin/", "/lib",
    "/tmp/",  # noqa: S108 -- named to be refused
    "/home/", "/etc/rackwright/secrets.json", "/etc/rackwright/identities.json",
    "/etc/rackwright/shared-root", "/etc/rackwright/node.json",
    "/etc/rackwright/files", "/etc/rackwright/image-release",
    "/etc/systemd/", "/etc/udev/", "/etc/pam.d/", "/etc/ssh/", "/etc/sudoers.d/", "/etc/cloud/",
    "/etc/default/", "/etc/modprobe.d/", "/etc/modules-load.d/", "/etc/netplan/", "/etc/sysctl.d/",
    "/etc/cron", "/etc/init.d/", "/etc/profile.d/", "/etc/ld.so", "/etc/grub.d/", "/etc/kernel/",
    "/etc/apt/apt.conf.d/", "/etc/needrestart/",
    "/etc/initramfs-tools/", "/etc/security/", "/etc/openvswitch/", "/var/lib/openvswitch/",
    "/var/lib/rackwright/", "/var/lib/cloud/", "/var/lib/dpkg/", "/var/run/", "/var/lock/",
    "/var/tmp/",  # noqa: S108 -- everybody may write there, and lead what root does elsewhere
)  # fmt: skip

_BY_REFERENCE = (
    "access: {secrets: {join: {url: https://…, path: /etc/…}}} has the node fetch it after its"
    " first boot"
)
_IN_URL = (
    "let the server identify the node by its IP address or its name: {hostname} stands for the name"
)


def check_user_name(inventory: Inventory) -> Iterator[Finding]:
    """useradd(8) leaves an account that is there as it is: without a shell, most of them."""
    for name in inventory.access.users:
        if name in SYSTEM_ACCOUNTS or name.startswith("systemd-"):
            message = f"{name} is an account or a group of the system: nobody can log in as {name}"
            hint = "choose another name, like admin"
            yield Finding(("access", "users", name), message, hint, at_key=True)


def check_can_log_in(inventory: Inventory) -> Iterator[Finding]:
    for name, user in inventory.access.users.items():
        if not user.ssh_keys and user.password_hash is None:
            message = f"{name} cannot log in: there is neither an SSH key nor a password hash"
            hint = 'ssh-keys: ["ssh-ed25519 …"]'
            yield Finding(("access", "users", name), message, hint, at_key=True)


def check_secret_path_once(inventory: Inventory) -> Iterator[Finding]:
    first: dict[str, KeyPath] = {}
    for name, secret in inventory.access.secrets.items():
        path: KeyPath = ("access", "secrets", name, "path")
        other = first.setdefault(secret.path, path)
        if other != path:
            yield Finding(path, f"{secret.path} is also at {SEE}", see=other)
    for name, secret in inventory.access.secrets.items():
        for above, where in first.items():
            if secret.path.startswith(f"{above}/"):
                message = f"{secret.path} is below the file {above}, {SEE}"
                yield Finding(("access", "secrets", name, "path"), message, see=where)


def check_secret_path_free(inventory: Inventory) -> Iterator[Finding]:
    """A fetched secret replaces what is at its path: never a file the system or we have there."""
    for name, secret in inventory.access.secrets.items():
        own = f"{secret.path}/"
        # Below such a place, or a directory that one is in.
        taken = any(own.startswith(place) or place.startswith(own) for place in NOT_FOR_SECRETS)
        if secret.path in SYSTEM_FILES or taken:
            path: KeyPath = ("access", "secrets", name, "path")
            message = f"the secret would replace {secret.path}, which is reserved"
            yield Finding(
                path, message, ("use a file of its own, for example /etc/kubernetes/join.yaml")
            )


def check_secret_mode(inventory: Inventory) -> Iterator[Finding]:
    for name, secret in inventory.access.secrets.items():
        if int(secret.mode, 8) & 0o007:
            message = f"mode {secret.mode} lets everyone on the node read {secret.path}"
            hint = 'mode: "0600"'
            yield Finding(("access", "secrets", name, "mode"), message, hint)


def check_no_secret(inventory: Inventory) -> Iterator[Finding]:
    """Free texts that look like a secret: what is rendered from them, everybody can read."""
    parts: list[tuple[KeyPath, object]] = [
        (("profiles", name), profile) for name, profile in inventory.profiles.items()
    ]
    parts += [(("access", "secrets", n), s) for n, s in inventory.access.secrets.items()]
    for start, part in parts:
        for path, value in _texts(start, part):
            kind = next((kind for kind, look in SECRETS.items() if look.search(value)), None)
            if kind is not None:
                message = f"this looks like {kind}: every image and bundle would expose it"
                hint = _IN_URL if path[-1] == "url" else _BY_REFERENCE
                yield replace(Finding(path, message, hint), is_secret=True)


def _texts(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str]]:
    """The texts below `path`, by the keys the file has."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _texts((*path, kebab(name)), getattr(value, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts((*path, key), item)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _texts((*path, index), item)


RULES: tuple[Rule[Inventory], ...] = (
    Rule(
        "access-user-name",
        "error",
        "A user does not have the name of an account or group of the system.",
        check_user_name,
    ),
    Rule(
        "access-login",
        "warning",
        "Every user can log in, with a key or a password.",
        check_can_log_in,
    ),
    Rule(
        "secret-path-free",
        "error",
        "A secret has a path that neither the system nor rackwright uses.",
        check_secret_path_free,
    ),
    Rule(
        "secret-path-once", "error", "Each fetched file has its own path.", check_secret_path_once
    ),
    Rule(
        "secret-mode",
        "warning",
        "A fetched secret is not readable by everyone on the node.",
        check_secret_mode,
    ),
    Rule(
        "secret-in-clear",
        "error",
        "The inventory contains no secret in plain text: secrets are fetched at boot.",
        check_no_secret,
    ),
)
