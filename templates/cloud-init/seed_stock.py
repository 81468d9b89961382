# SPDX-License-Identifier: Apache-2.0
"""Makes a stock image of the distribution what the plan's golden image is, step by step."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rackwright_seed import (
    ENVIRONMENT,
    Failed,
    Node,
    again,
    kernel_flavour,
    link,
    replace,
    run,
    running_kernel,
    try_to_run,
)
from seed_sources import configure_sources

STAGE = "var/lib/rackwright/seed/files"
LISTING = "etc/rackwright/files"
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


def install_packages(node: Node) -> None:
    """What is missing of the packages; dpkg is first led to the end of what was cut off."""
    wanted = node.image["packages"]
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
        refuse_unknown(missing, node.image["sources"])
        run(*APT_GET, "--fix-broken", "install", *reinstalls())
        run(*APT_GET, "install", "--no-install-recommends", *missing)

    again("packages", fetch)


def refuse_unknown(names: Iterable[str], sources: Mapping[str, Any]) -> None:
    """Which of them no source has: apt names the first alone."""
    known = candidates(names)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Failed(
            f"no source of apt has {', '.join(unknown)}: they were looked for in"
            f" {' '.join(sources['components'])} of {' '.join(sources['suites'])};"
            " `apt-get update` on this node says which source does not answer, and the next boot"
            " tries again. A mirror is image.mirror, more packages are image.packages"
        )


def candidates(names: Iterable[str]) -> set[str]:
    """Those of the packages apt could install."""
    argv = ("apt-cache", "policy", *names)
    done = subprocess.run(argv, capture_output=True, text=True, env={**ENVIRONMENT}, check=True)
    found = re.findall(r"^(\S+):\n(?:  .*\n)*?  Candidate: (?!\(none\))", done.stdout, re.MULTILINE)
    return set(found)


def is_installed(name: str) -> bool:
    argv = ("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", name)
    done = subprocess.run(argv, capture_output=True, text=True, env={**ENVIRONMENT}, check=False)
    return done.returncode == 0 and done.stdout.startswith("ii")


def reinstalls() -> list[str]:
    """Arguments that unpack anew what is "reinst-required" (dpkg(1)): apt does not by itself."""
    argv = ("dpkg-query", "-W", "-f", "${db:Status-Eflag} ${Package}\n")
    done = subprocess.run(argv, capture_output=True, text=True, env={**ENVIRONMENT}, check=True)
    states = (line.split() for line in done.stdout.splitlines())
    names = [name for flag, name in states if flag == "reinstreq"]
    return ["--reinstall", *names] if names else []


def choose_alternatives(node: Node) -> None:
    for name, path in node.image["alternatives"].items():
        run("update-alternatives", "--set", name, path)


def install_files(node: Node) -> None:
    """Every file from where cloud-init laid it, checked by its digest; those of before go."""
    wanted = node.image["files"]
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


def make_initramfs(_node: Node) -> None:
    """Drivers load in it, with their options, and its udev names network ports."""
    if shutil.which("update-initramfs"):
        run("update-initramfs", "-u", "-k", "all")
    else:
        run("dracut", "--regenerate-all", "--force")


def make_grub(node: Node) -> None:
    """As update-grub, which copies the finished file over the old one: a cut then leaves half."""
    config = node.root / "boot/grub/grub.cfg"
    staging = config.with_name("grub.cfg.rackwright")
    run("grub-mkconfig", "-o", str(staging))
    with staging.open("rb") as made:
        os.fsync(made.fileno())
    staging.replace(config)


STEPS: dict[str, Callable[[Node], None]] = {
    "sources": configure_sources,
    # Packages first: what they start must not find half of our settings.
    "packages": install_packages,
    "alternatives": choose_alternatives,
    "files": install_files,
    "initramfs": make_initramfs,
    "grub": make_grub,
}
