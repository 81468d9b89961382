"""Hosts of the seed's machine as plans."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import first_boot
import pytest
import rackwright_seed
import seed_access
import seed_stock
from first_boot_node import ACCESS, CONTENT, GOLDEN, IMAGE, WORDS, Machine
from seed_plans import Plans

from builder.plan.nouns.host import HostPlan
from tests.plans import SEED, plans_of


@pytest.fixture
def plans(tmp_path: Path) -> Plans:
    """Plans of all hosts of the seed's inventory, edited; it must be sound then."""

    def make(*edits: tuple[str, str]) -> list[HostPlan]:
        text = SEED.read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return plans_of(text)

    return make


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    def make(image: dict[str, Any] = IMAGE, secrets: tuple[dict[str, str], ...] = ()) -> Machine:
        node = Machine(tmp_path)
        order = {"id": "f" * 16, "hostname": "nfv1", "cmdline": WORDS, "secrets": list(secrets)}
        node.write(first_boot.ORDER, json.dumps({**order, "access": ACCESS}))
        node.write(first_boot.IMAGE, json.dumps(image))
        node.write(f"{seed_stock.STAGE}/etc/a.conf", CONTENT)
        node.write("boot/grub/grub.cfg", "old\n")
        node.write("usr/lib/os-release", "ID=debian\nVERSION_CODENAME=trixie\n")
        if image is GOLDEN:
            node.write("etc/rackwright/image-release", "IMAGE_ID=nfv-node\nIMAGE_VERSION=p1\n")
        for module in (first_boot, seed_access, seed_stock):
            monkeypatch.setattr(module, "run", node.run)
            monkeypatch.setattr(module, "try_to_run", node.try_to_run, raising=False)
        monkeypatch.setattr(seed_stock, "reinstalls", node.reinstalls)
        monkeypatch.setattr(seed_stock, "candidates", node.candidates)
        monkeypatch.setattr(seed_stock, "is_installed", lambda name: name in node.installed)
        monkeypatch.setattr(seed_stock.shutil, "which", lambda name: f"/usr/sbin/{name}")
        monkeypatch.setattr(rackwright_seed.shutil, "chown", lambda *_: None)
        monkeypatch.setattr(rackwright_seed.time, "sleep", lambda _: None)
        monkeypatch.setattr(rackwright_seed.os, "sync", lambda: None)
        return node

    return make
