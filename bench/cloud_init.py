"""How long the bundles of 10 000 hosts take, and how long the usual way does for the same documents.

    python bench/cloud_init.py DIRECTORY [HOSTS...]

Needs genisoimage or xorrisofs on the PATH and the extra `test` (jsonschema). DIRECTORY gets
the bundles and is emptied first.

Ours: `rackwright cloud-init --all --iso`, all of it: the inventory's text read and checked,
plans, documents, the schemas of every release, volumes, files on the disk. The usual way:
PyYAML's SafeDumper, the Python package jsonschema with one schema of cloud-config, a fork of
an ISO tool for each host; reading and planning are not in its time. It is measured on a few
hosts: what is given for more is that time multiplied, and said to be so.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from builder import cli
from builder.catalog.releases import RELEASES
from builder.command import Command, SubprocessRunner
from builder.inventory.loader import load
from builder.model.validate import examine
from builder.plan.host import plan_hosts
from builder.render import render_image
from builder.resources import read_texts
from builder.targets.cloud_init.order import Booted, Boots
from builder.targets.cloud_init.schemas import make_check
from builder.targets.cloud_init.seed import Seed, make_seeds

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = 20
FIELDS = ("user-data", "meta-data", "vendor-data", "network-config")


def write_inventory(path: Path, count: int) -> None:
    """The seed's machine `count` times, each with an address and a MAC of its own."""
    head = (ROOT / "examples/seed/inventory.yaml").read_text(encoding="utf-8")
    head = head.partition("\nhosts:")[0].replace("os: host", "os: debian-13")
    lines = [head, "hosts:"]
    for number in range(count):
        high, low = divmod(number, 250)
        lines += [
            f"  node-{number}:",
            "    hardware: e5-2620v4",
            "    profile: nfv",
            "    interfaces:",
            (
                f'      enp8s0: {{role: management, addresses: ["10.{high}.{low + 1}.2/24"],'
                f' gateway: "10.{high}.{low + 1}.1", mac: "02:00:00:00:{number >> 8:02x}:'
                f'{number & 255:02x}"}}'
            ),
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def seconds_of(work: Any, *args: Any) -> float:
    begun = time.perf_counter()
    work(*args)
    return time.perf_counter() - begun


def ours(inventory: Path, out: Path, boots: Boots) -> None:
    argv = ["cloud-init", str(inventory), "--all", "--iso", "--boots", boots, "-o", str(out)]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        status = cli.call(cli.parse(argv))
    if status:
        raise SystemExit(said.getvalue())


def parts(inventory: Path, boots: Boots) -> tuple[list[Seed], dict[str, float]]:
    """The same in memory, step by step, and the seconds of each."""
    times: dict[str, float] = {}
    begun = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal begun
        now = time.perf_counter()
        times[name], begun = now - begun, now

    loaded = load(inventory)
    lap("read the inventory")
    found, report = examine(loaded)
    if found is None or report.is_fatal:
        raise SystemExit(report)
    lap("check the inventory")
    plans = list(plan_hosts(found, loaded.marks, tuple(found.hosts), RELEASES["debian-13"]))
    lap("plan")
    templates, programs = read_texts("templates"), read_texts("systemd")
    trees = {plans[0].image.plan_id: render_image(plans[0].image, templates, programs)}
    seeds = list(make_seeds(plans, trees, Booted(boots), templates))
    lap("documents")
    check = make_check(read_texts("schema"))
    faults = [fault for seed in seeds for fault in check(seed)]
    if faults:
        raise SystemExit(faults[0])
    lap("cloud-init's schemas")
    total = sum(len(seed.iso()) for seed in seeds)
    lap(f"volumes ({total / 2**20:.0f} MiB)")
    return seeds, times


def usual(seeds: list[Seed], out: Path) -> dict[str, float]:
    """The same documents by the usual tools: seconds of each step for all of `seeds`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    schema = json.loads(read_texts("schema")["cloud-init/cloud-config-25.1.4.json"])
    validator = jsonschema.Draft4Validator(schema)
    tool = shutil.which("genisoimage") or shutil.which("xorrisofs")
    runner = SubprocessRunner()
    times = {"PyYAML SafeDumper": 0.0, "jsonschema, one schema": 0.0}
    for seed in seeds:
        directory = out / seed.hostname
        directory.mkdir()
        begun = time.perf_counter()
        text = yaml.dump(dict(seed.config), Dumper=yaml.SafeDumper, sort_keys=False)
        meta = {"instance-id": seed.instance_id, "local-hostname": seed.hostname}
        documents = (
            f"#cloud-config\n{text}",
            yaml.safe_dump(meta),
            "",
            yaml.safe_dump(seed.network),
        )
        times["PyYAML SafeDumper"] += time.perf_counter() - begun
        times["jsonschema, one schema"] += seconds_of(
            lambda config: list(validator.iter_errors(config)), json.loads(json.dumps(seed.config))
        )
        for name, document in zip(FIELDS, documents, strict=True):
            (directory / name).write_text(document, encoding="utf-8")
        if tool is not None:
            iso = str(out / f"{seed.hostname}.iso")
            argv = (tool, "-quiet", "-V", "cidata", "-J", "-r", "-o", iso, str(directory))
            label = f"{Path(tool).name}, a fork for each"
            env = {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
            spent = seconds_of(runner.run, Command(argv, env))
            times[label] = times.get(label, 0.0) + spent
    return times


def main(base: Path, counts: list[int]) -> None:
    base.mkdir(parents=True, exist_ok=True)
    inventory = base / "inventory.yaml"
    for boots in ("golden", "stock"):
        for count in counts:
            write_inventory(inventory, count)
            shutil.rmtree(base / "ours", ignore_errors=True)
            used = time.process_time()
            whole = seconds_of(ours, inventory, base / "ours", boots)
            used = time.process_time() - used
            print(f"{boots}, {count} hosts: {whole:.2f} s for the whole command", end="")
            print(f" ({used:.2f} s of one CPU)")
            seeds, times = parts(inventory, boots)
            for name, spent in times.items():
                print(f"    {name}: {spent:.2f} s")
            sample = seeds[:SAMPLE]
            slow = usual(sample, base / "usual")
            total = sum(slow.values()) * count / len(sample)
            print(f"  the usual way, documents and volumes only: {total:.0f} s", end="")
            print(f" ({count / len(sample):g} times what {len(sample)} hosts took)")
            for name, spent in slow.items():
                print(f"    {name}: {spent * count / len(sample):.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(word) for word in sys.argv[2:]] or [1, 100, 10_000])
