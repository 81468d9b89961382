#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Makes this node what its inventory says, in steps that a power cut may end anywhere.

cloud-init runs it at every boot (scripts/per-boot). A step that is done leaves a stamp once
all it wrote is on the disk, so the next boot goes on behind it. `applied`: all steps are
done; `done`: and the kernel was started as it is to be.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ORDER = "var/lib/rackwright/seed/order.json"
IMAGE = "var/lib/rackwright/seed/image.json"
STAGE = "var/lib/rackwright/seed/files"
LISTING = "etc/rackwright/files"
# On a file system of memory: a request to reboot does not outlive the boot.
REBOOT = "run/rackwright/reboot"
# A mirror or a vault that is not up yet must not cost the node its first boot.
TRIES, PAUSE_S, TIMEOUT_S = 5, 10.0, 60.0
APT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_SUSPEND": "1",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
}
# Timers of the distribution may hold the lock for minutes after boot.
APT_GET = (
    "apt-get",
    "-y",
    "-q",
    "-o",
    "DPkg::Lock::Timeout=600",
    "-o",
    "Dpkg::Options::=--force-confold",
)


class Failed(Exception):
    """What went wrong, for the journal."""


class Node:
    """The machine below `root`, and the order it was given."""

    def __init__(self, root: Path, order: dict[str, Any], image: dict[str, Any]) -> None:
        self.root, self.order, self.image = root, order, image
        self.stamps = root / "var/lib/rackwright/seed" / str(order["id"])

    def has(self, stamp: str) -> bool:
        return (self.stamps / stamp).exists()

    def stamp(self, name: str) -> None:
        """Only when everything written so far is on the disk, and then at once."""
        os.sync()
        self.stamps.mkdir(parents=True, exist_ok=True)
        (self.stamps / name).write_text(f"{time.time():.0f}\n")
        os.sync()


def say(text: str) -> None:
    print(f"rackwright: {text}", flush=True)


def run(*argv: str) -> None:
    status = try_to_run(*argv)
    if status:
        raise Failed(f"{argv[0]} ended with {status}")


def try_to_run(*argv: str) -> int:
    """The exit status, for what may fail."""
    say(" ".join(argv))
    return subprocess.run(argv, env={**APT}, stdin=subprocess.DEVNULL, check=False).returncode


def again(what: str, attempt: Callable[[], None]) -> None:
    """`attempt`, a few times: the network may still be on its way up."""
    for number in range(1, TRIES + 1):
        try:
            attempt()
            return
        except (Failed, OSError) as fault:
            if number == TRIES:
                raise Failed(f"{what}: {fault}") from fault
            say(f"{what}: {fault}; once more in {PAUSE_S:g} s")
            time.sleep(PAUSE_S)


def replace(target: Path, content: bytes, mode: int, owner: str) -> None:
    """The whole file or the old one; never half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.rackwright")
    # Never readable by others before its mode and owner are right.
    staging.unlink(missing_ok=True)
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        # Of the file that is open: whoever may write to the directory could swap its name.
        if os.geteuid() == 0:
            user, group = owner.split(":")
            shutil.chown(out.fileno(), user, group)
        os.fchmod(out.fileno(), mode)
        os.fsync(out.fileno())
    staging.replace(target)


def install_packages(node: Node) -> None:
    """What is missing of the packages; dpkg is first led to the end of what was cut off."""
    wanted = node.image["packages"]
    if not wanted:
        return
    kernel = running_kernel(node)
    # GRUB sorts it before a full kernel of the same version, so that one beside it is no help.
    if "-cloud-" in kernel and node.image["kernel"] != kernel_flavour(kernel):
        raise Failed(
            f"{kernel} is the kernel for virtual machines of clouds, without most NICs:"
            " boot Debian's image `generic`, not `genericcloud`"
        )
    # dpkg configures what it can, and refuses what was cut off while it was unpacked.
    is_settled = try_to_run("dpkg", "--configure", "-a") == 0
    missing = [name for name in wanted if not is_installed(name)]
    if is_settled and not missing:
        return

    def fetch() -> None:
        run(*APT_GET, "update")
        run(*APT_GET, "--fix-broken", "install", *reinstalls())
        run(*APT_GET, "install", "--no-install-recommends", *missing)

    again("packages", fetch)


def running_kernel(node: Node) -> str:
    return (node.root / "proc/sys/kernel/osrelease").read_text().strip()


def kernel_flavour(release: str) -> str:
    """`6.12.117+deb13-rt-amd64` -> `rt-amd64`."""
    found = re.search(r"-([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*)$", release)
    return found[1] if found else ""


def is_installed(name: str) -> bool:
    argv = ("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", name)
    done = subprocess.run(argv, capture_output=True, text=True, env={**APT}, check=False)
    return done.returncode == 0 and done.stdout.startswith("ii")


def reinstalls() -> list[str]:
    """Arguments that unpack anew what is "reinst-required" (dpkg(1)): apt does not by itself."""
    argv = ("dpkg-query", "-W", "-f", "${db:Status-Eflag} ${Package}\n")
    done = subprocess.run(argv, capture_output=True, text=True, env={**APT}, check=True)
    states = (line.split() for line in done.stdout.splitlines())
    names = [name for flag, name in states if flag == "reinstreq"]
    return ["--reinstall", *names] if names else []


def choose_alternatives(node: Node) -> None:
    for name, path in node.image["alternatives"].items():
        run("update-alternatives", "--set", name, path)


def install_files(node: Node) -> None:
    """Every file from where cloud-init laid it, checked by its digest; those of before go."""
    wanted = node.image["files"]
    if not wanted:
        return
    before = node.root / LISTING
    old = before.read_text().split("\n") if before.exists() else []
    paths = {entry["path"] for entry in wanted}
    # First: the new list takes the place of the old one below, and a cut may follow.
    for path in old:
        if path and path not in paths:
            (node.root / path.lstrip("/")).unlink(missing_ok=True)
    for entry in wanted:
        target = node.root / entry["path"].lstrip("/")
        if "link" in entry:
            link(target, entry["link"])
            continue
        content = (node.root / STAGE / entry["path"].lstrip("/")).read_bytes()
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise Failed(f"{entry['path']} did not arrive whole: the next boot writes it again")
        replace(target, content, int(entry["mode"], 8), entry["owner"])
    name_image(node)


def name_image(node: Node) -> None:
    """A file in /etc comes before the distribution's own (os-release(5)), which stays."""
    own = (node.root / "usr/lib/os-release").read_text().rstrip("\n")
    text = "\n".join([own, *node.image["os-release"]]) + "\n"
    replace(node.root / "etc/os-release", text.encode(), 0o644, "root:root")


def link(target: Path, to: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.rackwright")
    staging.unlink(missing_ok=True)
    staging.symlink_to(to)
    staging.replace(target)


def make_initramfs(node: Node) -> None:
    """Drivers load in it, with their options, and its udev names network ports."""
    if not node.image["files"]:
        return
    if shutil.which("update-initramfs"):
        run("update-initramfs", "-u", "-k", "all")
    else:
        run("dracut", "--regenerate-all", "--force")


def make_grub(node: Node) -> None:
    """As update-grub, which copies the finished file over the old one: a cut then leaves half."""
    if not node.image["files"]:
        return
    config = node.root / "boot/grub/grub.cfg"
    staging = config.with_name("grub.cfg.rackwright")
    run("grub-mkconfig", "-o", str(staging))
    with staging.open("rb") as made:
        os.fsync(made.fileno())
    staging.replace(config)


def fetch_secrets(node: Node) -> None:
    for secret in node.order["secrets"]:
        if not node.has(f"secret-{secret['name']}"):
            again(f"secret {secret['name']}", partial(fetch, node, secret))
            node.stamp(f"secret-{secret['name']}")


class StayPrivate(urllib.request.HTTPRedirectHandler):
    """urllib follows a redirect from https to http, where the secret can be read on the way."""

    def redirect_request(self, *args: Any) -> urllib.request.Request | None:
        if not args[-1].startswith("https://"):
            raise Failed("the server redirects to an address that is not https")
        return super().redirect_request(*args)


def fetch(node: Node, secret: dict[str, str]) -> None:
    """To its file; what it is never reaches the journal or the bundle."""
    opener = urllib.request.build_opener(StayPrivate)
    try:
        with opener.open(secret["url"], timeout=TIMEOUT_S) as answer:
            content = answer.read()
    except http.client.HTTPException as fault:
        raise Failed(f"the answer did not arrive whole: {type(fault).__name__}") from fault
    if not content:
        raise Failed("the answer is empty")
    replace(node.root / secret["path"].lstrip("/"), content, int(secret["mode"], 8), "root:root")


STEPS: dict[str, Callable[[Node], None]] = {
    # Packages first: what they start must not find half of our settings.
    "packages": install_packages,
    "alternatives": choose_alternatives,
    "files": install_files,
    "initramfs": make_initramfs,
    "grub": make_grub,
}


def missing_in_kernel(node: Node) -> list[str]:
    """Words of the kernel command line this boot was started without, and its own kernel."""
    have = (node.root / "proc/cmdline").read_text().split()
    missing = [word for word in node.order["cmdline"] if word not in have]
    wanted, running = node.image["kernel"], running_kernel(node)
    if wanted and kernel_flavour(running) != wanted:
        missing.append(f"a kernel {wanted} (it is {running})")
    return missing


def forget_others(node: Node) -> None:
    """Stamps of another bundle: the node is no longer what they say, should it come back."""
    for old in node.stamps.parent.glob("[0-9a-f]" * 16):
        if old != node.stamps:
            shutil.rmtree(old)


def apply(node: Node) -> None:
    forget_others(node)
    for name, step in STEPS.items():
        if not node.has(name):
            say(f"step {name}")
            step(node)
            node.stamp(name)
    node.stamp("applied")


def finish(node: Node) -> None:
    """Secrets and `done`, or the one reboot the new command line needs, or what is wrong with it."""
    missing = missing_in_kernel(node)
    boot = (node.root / "proc/sys/kernel/random/boot_id").read_text().strip()
    asked = node.stamps / "reboot"
    if not missing:
        if not asked.exists() and node.image["files"]:
            run("systemctl", "daemon-reload")
            # As at boot: some settings are there only once a module is.
            run("systemctl", "restart", "systemd-modules-load.service")
            run("systemctl", "restart", "systemd-sysctl.service")
            run("systemctl", "--no-block", "start", "default.target")
        fetch_secrets(node)
        node.stamp("done")
        say("this node is what its inventory says")
    elif not asked.exists() or asked.read_text().strip() == boot:
        say(f"a reboot is needed, for {' '.join(missing)}")
        node.stamps.mkdir(parents=True, exist_ok=True)
        asked.write_text(f"{boot}\n")
        os.sync()
        flag = node.root / REBOOT
        flag.parent.mkdir(parents=True, exist_ok=True)
        flag.touch()
    else:
        raise Failed(
            f"after a reboot the node still lacks {' '.join(missing)}:"
            " /etc/default/grub.d has a later file than ours, GRUB's default is another kernel,"
            " or another loader starts it"
        )


def main(root: Path = Path("/"), only: str = "") -> int:
    """only: secrets of an image made for its host, which has no bundle."""
    try:
        if only:
            fetch_secrets(Node(root, json.loads((root / only).read_text()), {}))
            return 0
        order = json.loads((root / ORDER).read_text())
        image = json.loads((root / IMAGE).read_text())
        node = Node(root, order, image)
        if node.has("done"):
            return 0
        if not node.has("applied"):
            apply(node)
        finish(node)
    except (Failed, OSError, ValueError, KeyError) as fault:
        say(f"failed: {fault}")
        return 1
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(Path("/"), *sys.argv[1:]))
