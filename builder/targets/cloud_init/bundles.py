"""Bundles for cloud-init, checked by cloud-init's schemas and netplan, and written to disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.accept import accept_network
from builder.command import Runner
from builder.errors import BuilderError
from builder.execute import RECORD, replacing_directory, write_private
from builder.jsonfile import decode
from builder.plan.nouns.host import HostPlan
from builder.render.tree import FileTree
from builder.resources import read_texts
from builder.targets.cloud_init.order import Booted, Boots
from builder.targets.cloud_init.schemas import make_check
from builder.targets.cloud_init.seed import Seed, make_seeds
from builder.targets.cloud_init.user_data_limits import choose_form
from builder.targets.registry import ISO, MIME
from builder.trees import refuse_faults, stock_tree_of, tree_of

# What can be written beside a bundle's directory, as HOST.FORM: the forms of the target's row.
SEED_FORMS: Mapping[str, Callable[[Seed], bytes]] = {ISO: Seed.iso, MIME: Seed.mime}


def write_bundles(
    plans: Sequence[HostPlan],
    booted: Booted,
    forms: Sequence[str],
    out: Path,
    runner: Runner,
    *,
    provider: str | None = None,
    keep_others: bool = False,
) -> None:
    """Replace `out` by the bundles of hosts.

    forms: of `SEED_FORMS`. provider: whose limit of user-data is kept. keep_others: bundles made
    before of other hosts stay. Refuses to replace a directory with files beside ours, and two
    hosts of which one would have the name of the other's file.
    """
    hosts = {plan.hostname for plan in plans}
    _refuse_clashes(hosts, forms, out if keep_others else None)
    with replacing_directory(out, _listed) as staging:
        if keep_others:
            _link_others(out, staging, hosts)
        written = [path for path in staging.rglob("*") if path.is_file()]
        for seed in _sound_seeds(plans, booted, runner):
            written += _write_seed(seed, forms, provider, staging)
        listing = sorted(str(path.relative_to(staging)) for path in written)
        (staging / RECORD).write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")


def _listed(record: bytes) -> tuple[str, ...]:
    return decode(tuple[str, ...], record)


def _refuse_clashes(hosts: set[str], forms: Sequence[str], out: Path | None) -> None:
    """A host's name may end in `.iso`. out: where bundles of other hosts stay."""
    files = {f"{host}.{form}": host for host in hosts for form in forms}
    folders = set(hosts)
    for entry in out.iterdir() if out is not None and out.is_dir() else ():
        host, _, form = entry.name.rpartition(".")
        if entry.is_dir():
            folders.add(entry.name)
        elif form in SEED_FORMS and host not in hosts:
            files[entry.name] = host
    for name in sorted(files.keys() & folders):
        raise BuilderError(
            f"the file {name} of host {files[name]} would have the name of the directory of host {name}",
            hint=f"write the bundle of {name} to a directory of its own: --host {name} -o DIR",
        )


def _link_others(out: Path, staging: Path, made: set[str]) -> None:
    """What is in `out` of other hosts; what is there of hosts made anew goes, in every form."""
    forms = {f"{host}.{form}" for host in made for form in SEED_FORMS}
    for entry in sorted(out.iterdir()) if out.is_dir() else ():
        if entry.name in {RECORD, *made} or (entry.name in forms and not entry.is_dir()):
            continue
        if entry.is_dir():
            shutil.copytree(entry, staging / entry.name, copy_function=os.link)
        else:
            os.link(entry, staging / entry.name)


def _sound_seeds(plans: Sequence[HostPlan], booted: Booted, runner: Runner) -> Iterator[Seed]:
    """The seeds of `plans`, each sound by cloud-init's schemas; netplan sees each shape once."""
    check = make_check(read_texts("schema"))
    templates = read_texts("templates")
    shapes: set[str] = set()
    for seed in make_seeds(plans, _trees_of(plans, booted.boots, runner), booted, templates):
        _refuse(check(seed))
        shape = network_shape(seed.network)
        if seed.network is not None and shape not in shapes:
            shapes.add(shape)
            said = accept_network(seed.network, runner)
            _refuse(tuple(f"{seed.hostname}/network-config: {fault}" for fault in said))
        yield seed


def network_shape(network: Mapping[str, Any] | None) -> str:
    """Which keys a network configuration has, and how many values each list of it."""
    ports = network["ethernets"].values() if network is not None else ()
    return json.dumps(
        [
            [sorted(port), [len(value) for value in port.values() if isinstance(value, list)]]
            for port in ports
        ]
    )


def _trees_of(plans: Iterable[HostPlan], boots: Boots, runner: Runner) -> dict[str, FileTree]:
    """The files of image scope, by plan id: each parsed back once."""
    trees = {}
    make = stock_tree_of if boots == "stock" else tree_of
    for key, image in {plan.image.plan_id: plan.image for plan in plans}.items():
        trees[key] = make(image)
        refuse_faults(trees[key], image, runner)
    return trees


def _refuse(faults: tuple[str, ...]) -> None:
    if faults:
        raise BuilderError(
            "the bundle does not match the schema of cloud-init",
            detail="\n".join(faults),
            hint="this is a bug in rackwright: please report it with the inventory",
        )


def _write_seed(
    seed: Seed, forms: Sequence[str], provider: str | None, out: Path
) -> tuple[Path, ...]:
    """OUT/HOST/ with the four documents, and what else is asked for beside it; returns the files."""
    documents = dict(seed.files)
    if provider is not None:
        name, content = choose_form(seed, provider)
        documents[name] = content
    directory = out / seed.hostname
    directory.mkdir()
    files = {directory / name: content for name, content in documents.items()}
    files |= {out / f"{seed.hostname}.{form}": SEED_FORMS[form](seed) for form in forms}
    for path, content in files.items():
        # Password hashes are in it, and addresses of secrets.
        write_private(path, content)
    return tuple(files)
