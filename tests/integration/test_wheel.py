"""A wheel has all a checkout has: templates, node programs, elements with runnable hooks."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_carries_the_data(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("rackwright-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            info.filename.removeprefix("builder/_data/"): info.external_attr >> 16 & 0o111 != 0
            for info in archive.infolist()
            if info.filename.startswith("builder/_data/")
        }
    present = {
        str(path.relative_to(ROOT)): path.stat().st_mode & 0o111 != 0
        for name in ("elements", "schema", "systemd", "templates")
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == present
    assert any(present.values())
