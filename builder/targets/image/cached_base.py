"""The cached base: a bootable disk with all packages and none of our rendered files.

Its key covers everything that decides about its bytes, so an existing one is used as it
is. It appears by one rename of a complete directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.catalog.identities import IDENTITIES
from builder.command import Runner
from builder.jsonfile import JsonFault, JsonRecord, decode, encode
from builder.monitor import Monitor, step
from builder.targets.image import cache_keys, compose, disk, elements, ext4, grub, installed, solve
from builder.targets.image.accounts import Accounts, read_accounts
from builder.targets.image.request import ImageRequest
from builder.targets.image.sources import package_sources
from builder.workdir import locked, work_dir

# Kept free in the root file system for rendered files and the second initramfs.
HEADROOM = 96 * 1024 * 1024
# Trees and bases kept in the cache besides the one in use.
KEPT = 3
STALE_S = 24 * 3600.0

# Not read on a node: documentation (licences stay), and GRUB images for CDs and PXE.
DPKG_OPTIONS = (
    "path-exclude=/usr/lib/grub/x86_64-efi/monolithic/*",
    "path-exclude=/usr/lib/grub/x86_64-efi-signed/gcdx64*",
    "path-exclude=/usr/lib/grub/x86_64-efi-signed/grubnetx64*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-exclude=/usr/share/man/*",
)


@dataclass(frozen=True, slots=True)
class Base:
    """A base in the cache; `facts` is what its own JSON file says."""

    path: Path
    facts: BaseFacts
    listing: installed.Listing

    @property
    def disk(self) -> Path:
        """The raw disk."""
        return self.path / "disk.raw"

    @property
    def kernel(self) -> Path:
        """The kernel, as on the disk."""
        return self.path / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The initramfs, as on the disk."""
        return self.path / "initrd"


@dataclass(frozen=True, slots=True)
class BaseFacts(JsonRecord):
    """What must be known of a base besides its bytes."""

    key: str
    root_key: str
    kernel: str
    root_uuid: str
    root_offset: int
    root_size: int
    os_release: str
    epoch: int
    packages: tuple[tuple[str, str], ...]
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class BasePlan:
    """What a base is made of, and its keys."""

    elements: tuple[elements.Element, ...]
    search: tuple[Path, ...]
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    solution: solve.Solution
    root_key: str
    key: str


def plan_base(request: ImageRequest, runner: Runner) -> tuple[BasePlan, str]:
    """Keys and contents of the base `request` needs; the note says how fresh they are."""
    expanded = elements.expand(request.elements, request.element_dirs)
    names = tuple(sorted(set(request.packages)))
    suite = request.release.suite
    sources = package_sources(request, runner)
    question = solve.Question(suite, "amd64", sources, request.keyring, names)
    solution, note = solve.solve(
        question, request.cache_dir, runner, refresh=request.refresh, proxy=request.proxy
    )
    root = next(element for element in expanded if element.name == compose.ROOT_ELEMENT)
    root_key = cache_keys.root_key(
        suite=suite,
        architecture="amd64",
        sources=sources,
        packages=solution.packages,
        keyring=hashlib.sha256(request.keyring.read_bytes()).hexdigest(),
        dpkg_options=DPKG_OPTIONS,
        usr_links=request.release.names.usr_links,
        element=elements.digest_elements((root,), "root.d"),
    )
    base_key = cache_keys.base_key(
        root=root_key,
        elements=elements.digest_elements(expanded),
        headroom=HEADROOM,
        identities=[(row.path, row.placeholder) for row in IDENTITIES],
    )
    plan = BasePlan(expanded, request.element_dirs, sources, names, solution, root_key, base_key)
    return plan, note


def find_base(plan: BasePlan, cache: Path) -> Base | None:
    """The base of `plan` if the cache has it; a damaged one is none."""
    path = cache / "bases" / plan.key
    try:
        facts = decode(BaseFacts, (path / "base.json").read_bytes())
        kinds = decode(dict[str, str], (path / "tree.json").read_bytes())
    except (FileNotFoundError, JsonFault):
        return None
    os.utime(path)
    return Base(path, facts, installed.Listing(kinds))


def ensure_base(plan: BasePlan, request: ImageRequest, runner: Runner, monitor: Monitor) -> Base:
    """The base of `plan`, made now if the cache has none; others wanting it wait."""
    found = find_base(plan, request.cache_dir)
    if found is not None:
        return found
    bases = request.cache_dir / "bases"
    with locked(bases / f"{plan.key}.lock"):
        found = find_base(plan, request.cache_dir)
        if found is None:
            with work_dir(bases) as work:
                _make(plan, request, work, runner, monitor)
                shutil.rmtree(bases / plan.key, ignore_errors=True)
                (work / "base").rename(bases / plan.key)
            _prune(bases, plan.key)
            _prune(request.cache_dir / "roots", plan.root_key)
            found = find_base(plan, request.cache_dir)
    if found is None:
        raise FileNotFoundError(bases / plan.key)
    return found


def _make(
    plan: BasePlan, request: ImageRequest, work: Path, runner: Runner, monitor: Monitor
) -> None:
    root = work / "tree"
    cache = request.cache_dir / "roots" / f"{plan.root_key}.tar.zst"
    cached = cache.exists()
    with step(monitor, "compose the root file system") as running:
        tar = _compose(plan, request, work, cache, runner)
        installed.unpack(tar, root, runner)
        tar.unlink()
        installed.refuse_identities(root, IDENTITIES)
        running.note = "packages from cache" if cached else "packages installed"
        if set(read_packages(cache)) != set(plan.solution.packages):
            # Installed is what the manifest tells; but the next build shall not find it
            # under the name of something else.
            monitor.log("the archive changed while its packages were being installed")
            cache.unlink()
    with step(monitor, "assemble the disk") as running:
        installed.clamp_times(root, plan.solution.epoch)
        layout = _assemble(plan, request, root, work, runner)
        running.note = f"{layout.table.size // 2**20} MiB"
    with step(monitor, "keep the base"):
        _describe(plan, layout, root, work / "base", cache)


def _compose(
    plan: BasePlan, request: ImageRequest, work: Path, cache: Path, runner: Runner
) -> Path:
    cache.parent.mkdir(parents=True, exist_ok=True)
    composition = compose.Composition(
        distro=request.release.family,
        suite=request.release.suite,
        sources=plan.sources,
        keyring=request.keyring,
        packages=plan.packages,
        dpkg_options=DPKG_OPTIONS,
        epoch=plan.solution.epoch,
        root_cache=cache,
        identities=IDENTITIES,
        usr_links=request.release.names.usr_links,
        proxy=request.proxy,
    )
    log = request.cache_dir / "logs" / f"{plan.key}.log"
    command = compose.compose_command(composition, plan.elements, plan.search, work, log)
    return compose.compose(command, plan.elements, runner)


def _assemble(
    plan: BasePlan, request: ImageRequest, root: Path, work: Path, runner: Runner
) -> disk.DiskPlan:
    size = ext4.fs_size(*installed.measure(root), HEADROOM)
    seed, has_seed = cache_keys.disk_seed(plan.key), request.release.csum_seed
    layout = disk.DiskPlan(seed, plan.solution.epoch, size, csum_seed=has_seed)
    config = work / "esp-grub.cfg"
    config.write_text(grub.esp_grub_cfg(), encoding="utf-8")
    (work / "base").mkdir()
    boot = installed.boot_files(root, request.release.family, config)
    disk.assemble(layout, root, boot, work / "base" / "disk.raw", runner)
    return layout


def _describe(plan: BasePlan, layout: disk.DiskPlan, root: Path, base: Path, cache: Path) -> None:
    """Put beside the disk what a build needs of it without opening the file system."""
    kernel = installed.kernel_version(root)
    shutil.copyfile(root / "boot" / f"vmlinuz-{kernel}", base / "vmlinuz")
    shutil.copyfile(root / "boot" / f"initrd.img-{kernel}", base / "initrd")
    facts = BaseFacts(
        key=plan.key,
        root_key=plan.root_key,
        kernel=kernel,
        root_uuid=str(layout.root_uuid),
        root_offset=layout.table.partitions[-1].offset,
        root_size=layout.root_size,
        os_release=(root / "usr/lib/os-release").read_text(encoding="utf-8"),
        epoch=plan.solution.epoch,
        packages=read_packages(cache),
        accounts=read_accounts(root),
    )
    _write_json(base / "tree.json", installed.read_listing(root).kinds)
    _write_json(base / "base.json", encode(facts))


def read_packages(cache: Path) -> tuple[tuple[str, str], ...]:
    """(package, version) of the tree in `cache`, as its dpkg knows them."""
    lines = cache.with_name(cache.name + ".packages").read_text(encoding="utf-8").splitlines()
    fields = (line.split("\t") for line in lines)
    return tuple(sorted((name, version) for name, version, _ in fields))


def _write_json(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, separators=(",", ":")), encoding="utf-8")


def _prune(directory: Path, in_use: str) -> None:
    """Remove all but the youngest entries; those being made have other names.

    A file that was being made a day ago is of a build that was killed.
    """
    for path in directory.glob("*.tmp"):
        if path.stat().st_mtime < time.time() - STALE_S:
            path.unlink(missing_ok=True)
    entries = [
        path
        for path in directory.glob("[0-9a-f]*")
        if not path.name.startswith(in_use) and (path.is_dir() or path.suffix == ".zst")
    ]
    entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in entries[KEPT:]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".packages").unlink(missing_ok=True)
