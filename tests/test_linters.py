"""The linters, as tests: what CI checks is what `make test` checks."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ELEMENTS = ("elements", "tests/boot/elements")
SHELL = re.compile(rb"#! ?/(usr/)?bin/(env )?(ba|da)?sh\b")
# Environments and what is built: no part of the project.
ASIDE = {"build", "dist", ".git", ".hypothesis", ".venv"}
BASES = sorted(
    path
    for path in ROOT.iterdir()
    if path.is_dir() and path.name not in ASIDE and not path.name.endswith(("_cache", ".egg-info"))
)
SCRIPTS = sorted(
    path
    for base in BASES
    for path in base.rglob("*")
    if path.is_file() and (path.suffix in {".bash", ".sh"} or SHELL.match(path.read_bytes()))
)


def run(*argv: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ruff() -> None:
    run(sys.executable, "-m", "ruff", "check", ".")


def test_ruff_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", ".")


def test_mypy() -> None:
    """Strictly, all that pyproject.toml names; node programs have no names of modules."""
    run(sys.executable, "-m", "mypy")


def test_linters_see_all_python() -> None:
    """`.` leaves out what .gitignore and ruff's own settings do, mypy what it is not told of."""
    done = run(sys.executable, "-m", "ruff", "check", "--show-files", ".")
    seen = {Path(line) for line in done.splitlines()}
    found = {path for base in BASES for path in base.rglob("*.py")}
    assert found - seen == set()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    typed = {base.name for base in BASES if any(base.rglob("*.py"))} - {"tests"}
    assert set(settings["tool"]["mypy"]["files"]) == typed


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_shellcheck(path: Path) -> None:
    run("shellcheck", path)


@pytest.mark.parametrize("elements", ELEMENTS)
def test_dib_lint(tmp_path: Path, elements: str) -> None:
    # dib-lint looks at $ELEMENTS_DIR and $LIB_DIR below the current directory.
    (tmp_path / "lib").mkdir()
    run(
        Path(sys.executable).parent / "dib-lint",
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "ELEMENTS_DIR": str(ROOT / elements),
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


def test_the_lock_has_every_dependency() -> None:
    """A package pyproject.toml names and the lock lacks is not in the environment `setup` makes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["build"]]
    names = {re.split(r"[<>=!~ ]", text)[0].lower().replace("_", "-") for text in wanted}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert names - set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)) == set()
