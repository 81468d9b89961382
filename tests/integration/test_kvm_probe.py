"""The guest that tells whether KVM works does run: shown with TCG, which always does."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.command import Command, SubprocessRunner
from builder.verify.accelerator import (
    PROBE_DISK,
    PROBE_STATUS,
    PROBE_TIMEOUT_S,
    find_accelerator,
    probe_argv,
)

pytestmark = pytest.mark.integration


def test_the_probe_ends_with_its_status_where_the_accelerator_works(tmp_path: Path) -> None:
    disk = tmp_path / "a,b.raw"
    disk.write_bytes(PROBE_DISK)
    probe = Command(probe_argv(disk, "tcg"), timeout_s=10 * PROBE_TIMEOUT_S, accept=(PROBE_STATUS,))
    assert SubprocessRunner().run(probe).status == PROBE_STATUS


def test_the_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    assert find_accelerator(SubprocessRunner(), tmp_path) in {"kvm", "tcg"}
    assert list(tmp_path.iterdir()) == []
