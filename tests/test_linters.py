"""The linters, as tests: what CI checks is what `make test` checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(
    path
    for base in ("elements", "scripts", ".ci")
    for path in (ROOT / base).rglob("*")
    if path.is_file() and path.read_bytes().startswith((b"#!/bin/bash", b"#!/bin/sh"))
)


def run(*argv: str | Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff() -> None:
    run(sys.executable, "-m", "ruff", "check", "builder", "systemd", "tests", "bench")


def test_ruff_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", "builder", "systemd", "tests", "bench")


def test_mypy() -> None:
    run(sys.executable, "-m", "mypy", "builder")


@pytest.mark.parametrize("path", sorted((ROOT / "systemd").glob("*.py")), ids=lambda p: p.name)
def test_mypy_of_node_programs(path: Path) -> None:
    run(sys.executable, "-m", "mypy", "--strict", path)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_shellcheck(path: Path) -> None:
    run("shellcheck", path)


def test_dib_lint(tmp_path: Path) -> None:
    # dib-lint looks at $ELEMENTS_DIR and $LIB_DIR below the current directory.
    (tmp_path / "lib").mkdir()
    run(
        Path(sys.executable).parent / "dib-lint",
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "ELEMENTS_DIR": str(ROOT / "elements"),
            "LIB_DIR": str(tmp_path / "lib"),
            "LANG": "C.UTF-8",
        },
    )


def test_no_addresses_of_registries() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "requirements.lock", ROOT / "pyproject.toml", ROOT / "scripts/setup")
        if "http" in path.read_text(encoding="utf-8")
    ]
    assert named == []
