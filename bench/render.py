"""How long rendering takes for 1, 100 and 10 000 hosts, and for ansible-core with the same templates.

    python bench/render.py DIRECTORY [HOSTS...]

Needs ansible-core in the same environment. DIRECTORY gets the trees and is emptied first.

Measured of ours: from the inventory's text to every byte of every file, in memory and written
to disk. Measured of Ansible: one play over local "hosts" whose tasks template, copy and link
the very same files, from variables that were derived before; planning is not in its time. Its
hosts are few, as it takes seconds for each: the figure for 10 000 is that many times the
time of one more host, and said to be so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from builder.catalog.releases import RELEASES
from builder.command import Command, SubprocessRunner
from builder.inventory.loader import parse_inventory
from builder.model.validate import examine
from builder.plan.encode import plan_data
from builder.plan.host import plan_hosts
from builder.plan.nouns.host import HostPlan
from builder.render import host_files, image_files, render_hosts
from builder.render.node import LISTING
from builder.render.templates import Sources, make_sources
from builder.render.tree import FileTree, RenderedFile
from builder.resources import read_texts

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES, PROGRAMS = read_texts("templates"), read_texts("systemd")
ANSIBLE_HOSTS = (1, 3)

FILTERS = """
from types import SimpleNamespace
from builder.model.values import CpuSet
from builder.render import syntax


def _object(value):
    if isinstance(value, dict):
        return SimpleNamespace(**{str(k).replace("-", "_"): _object(v) for k, v in value.items()})
    return [_object(item) for item in value] if isinstance(value, list) else value


def _reason(why, *rest):
    origins = [SimpleNamespace(path=(origin["key"],)) for origin in why["origins"]]
    return syntax.reason(SimpleNamespace(reason=why["reason"], origins=origins), *rest)


def _named_reason(why, name):
    return _reason({"reason": f"{name}: {why['reason']}", "origins": why["origins"]})


class FilterModule:
    def filters(self):
        own = {"reason": _reason, "named_reason": _named_reason}
        return {f"rw_{name}": own.get(name, function) for name, function in syntax.FILTERS.items()}
"""
COPIES = """
- ansible.builtin.copy:
    content: "{{ item.content }}"
    dest: "{{ root }}{{ item.path }}"
    mode: "{{ item.mode }}"
  loop: "{{ copied }}"
- ansible.builtin.file:
    src: "{{ item.target }}"
    dest: "{{ root }}{{ item.path }}"
    state: link
    force: true
  loop: "{{ linked }}"
"""


def fleet_text(count: int) -> str:
    """The seed's inventory with `count` hosts."""
    text = (ROOT / "examples/seed/inventory.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    host = json.dumps(data["hosts"]["nfv1"])
    data["hosts"] = {
        # A copy each: PyYAML would write what is the same object as an alias.
        f"node-{n:05d}": {**json.loads(host), "boot-mac": f"02:00:{n >> 24 & 255:02x}:{n >> 16 & 255:02x}:"
                                              f"{n >> 8 & 255:02x}:{n & 255:02x}"}
        for n in range(count)
    }  # fmt: skip
    return yaml.safe_dump(data, sort_keys=False)


def plans_of(text: str) -> Iterator[HostPlan]:
    loaded = parse_inventory(text, "inventory.yaml")
    inventory, report = examine(loaded)
    if inventory is None or report.is_fatal:
        raise SystemExit(f"the bench's own inventory is refused: {report.items[0].message}")
    return plan_hosts(inventory, loaded.marks, inventory.hosts, RELEASES["debian-13"])


def write_tree(tree: FileTree, directory: Path) -> None:
    for file in tree:
        path = directory / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink:
            path.symlink_to(file.text)
        else:
            path.write_bytes(file.content)
            path.chmod(file.mode)


def measure_ours(count: int, directory: Path | None) -> None:
    """One run: load, check, plan, render; written below `directory` when there is one."""
    text = fleet_text(count)
    start, cpu, files, size = time.monotonic(), time.process_time(), 0, 0
    plans = list(plans_of(text))
    planned = time.monotonic() - start
    for plan, tree in zip(plans, render_hosts(plans, TEMPLATES, PROGRAMS), strict=True):
        files += len(tree)
        size += sum(len(file.content) for file in tree)
        if directory is not None:
            write_tree(tree, directory / plan.hostname)
    took, cpu = time.monotonic() - start, time.process_time() - cpu
    where = "in memory" if directory is None else "written to disk"
    print(
        f"rackwright, {count} hosts {where}: {took:.2f} s, {cpu:.2f} CPU-s ({planned:.2f} s to load, check and "
        f"plan), {files} files, {size / 1e6:.0f} MB, {took / count * 1000:.2f} ms a host"
    )


def recorded_files(plan: HostPlan) -> tuple[list[dict[str, Any]], list[RenderedFile]]:
    """Files filled from templates, as (template, values, destination), and all others."""
    calls: list[tuple[str, dict[str, Any]]] = []
    real = make_sources(TEMPLATES, PROGRAMS)

    def fill(name: str, **values: Any) -> str:
        calls.append((name, values))
        return real.fill(name, **values)

    sources, templated, others = Sources(fill, PROGRAMS, real.seed_programs), [], []
    rendered = chain(image_files(plan.image, sources), host_files(plan, sources))
    for file in rendered:  # each is made, and recorded, when asked for
        if not calls:
            others.append(file)
            continue
        template, values = calls.pop()
        templated.append(
            {
                "template": f"{template}.j2",
                "values": {name: plan_data(value, reasons=True) for name, value in values.items()},
                "path": file.path,
                "mode": f"{file.mode:04o}",
            }
        )
    return templated, others


def underscored(value: Any) -> Any:
    """Keys as the templates spell attributes."""
    if isinstance(value, dict):
        return {key.replace("-", "_"): underscored(item) for key, item in value.items()}
    return [underscored(item) for item in value] if isinstance(value, list) else value


def play_text(templated: list[dict[str, Any]]) -> str:
    """A task for each templated file, one for all copies, one for all links."""
    tasks: list[dict[str, Any]] = [
        {
            "ansible.builtin.file": {"path": "{{ root }}{{ item }}", "state": "directory"},
            "loop": "{{ directories }}",
        }
    ]
    for place, item in enumerate(templated):
        tasks.append(
            {
                "ansible.builtin.template": {
                    "src": item["template"],
                    "dest": f"{{{{ root }}}}{item['path']}",
                    "mode": item["mode"],
                    "lstrip_blocks": True,
                },
                "vars": {
                    name: f"{{{{ templated[{place}]['values']['{name}'] }}}}"
                    for name in item["values"]
                },
            }
        )
    play: dict[str, Any] = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "tasks": tasks,
    }
    play["tasks"] += yaml.safe_load(COPIES)
    return yaml.safe_dump([play], sort_keys=False, width=1000)


def write_play(directory: Path, count: int) -> None:
    """A play over `count` hosts, with templates, filters and variables."""
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "filter_plugins").mkdir(parents=True)
    (directory / "host_vars").mkdir()
    (directory / "filter_plugins/ours.py").write_text(FILTERS, encoding="utf-8")
    for name, text in TEMPLATES.items():
        path = directory / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Ours would hide Ansible's own filters of the same name, so they get a prefix.
        path.write_text(re.sub(r"\| (\w+)", r"| rw_\1", text), encoding="utf-8")
    plans = list(plans_of(fleet_text(count)))
    trees = render_hosts(plans, TEMPLATES, PROGRAMS)
    (directory / "hosts").write_text(
        "".join(f"{p.hostname} ansible_python_interpreter={sys.executable}\n" for p in plans),
        encoding="utf-8",
    )
    for plan, tree in zip(plans, trees, strict=True):
        templated, others = recorded_files(plan)
        others += [file for file in tree if file.path == LISTING.path]  # made of the finished tree
        (directory / "play.yaml").write_text(play_text(templated), encoding="utf-8")
        paths = [item["path"] for item in templated] + [file.path for file in others]
        values = {
            "root": str(directory / "out" / plan.hostname),
            "directories": sorted({str(Path(path).parent) for path in paths}),
            "templated": underscored(templated),
            "copied": [
                {"path": f.path, "content": f.text, "mode": f"{f.mode:04o}"}
                for f in others
                if not f.is_symlink
            ],
            "linked": [{"path": f.path, "target": f.text} for f in others if f.is_symlink],
        }
        (directory / f"host_vars/{plan.hostname}.json").write_text(json.dumps(values), "utf-8")


def measure_ansible(count: int, directory: Path) -> float:
    write_play(directory, count)
    playbook = str(Path(sys.executable).parent / "ansible-playbook")
    argv = (playbook, "-i", "hosts", "-f", str(os.cpu_count()), "play.yaml")
    env = {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "HOME": str(directory)}
    start = time.monotonic()
    SubprocessRunner().run(Command(argv, cwd=directory, env=env))
    took = time.monotonic() - start
    print(f"ansible-core, {count} hosts written to disk: {took:.1f} s")
    return took


def compare_trees(directory: Path, count: int) -> None:
    """Both made the same files, or the comparison is of two different things."""
    plans = list(plans_of(fleet_text(count)))
    for plan, tree in zip(plans, render_hosts(plans, TEMPLATES, PROGRAMS), strict=True):
        for file in tree:
            path = directory / "out" / plan.hostname / file.path[1:]
            made = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            if made != file.content:
                raise SystemExit(f"{path} differs from ours")


def main() -> None:
    """Measure hosts 1, 100 and 10 000, or the counts the arguments name."""
    directory = Path(sys.argv[1]).absolute()
    counts = [int(text) for text in sys.argv[2:]] or [1, 100, 10000]
    for count in counts:
        measure_ours(count, None)
        shutil.rmtree(directory / "ours", ignore_errors=True)
        measure_ours(count, directory / "ours")
    few, more = (measure_ansible(count, directory / "ansible") for count in ANSIBLE_HOSTS)
    compare_trees(directory / "ansible", ANSIBLE_HOSTS[1])
    each = (more - few) / (ANSIBLE_HOSTS[1] - ANSIBLE_HOSTS[0])
    largest = counts[-1]
    print(
        f"ansible-core, {largest} hosts: {few + each * (largest - 1):.0f} s reckoned from "
        f"{each:.2f} s for each further host"
    )


if __name__ == "__main__":
    main()
