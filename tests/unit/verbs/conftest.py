"""The program as its users call it, in a directory with one inventory."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from builder import cli, command, trees
from builder.targets.image import build, from_plan
from builder.verbs import image

SEED = Path(__file__).resolve().parents[3] / "examples" / "seed" / "inventory.yaml"
ACCESS = """access:
  users:
    admin: {ssh-keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9mXkqH1rMwpoRBPGcEt0fo6xbLw7MDb9v8q3S8m2pK"]}
"""
Edits = tuple[tuple[str, str], ...]


class Said(NamedTuple):
    """What a call left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def rackwright(capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Calls the program; wrong usage, too, ends in an exit code."""

    def call(*argv: object) -> Said:
        try:
            code = cli.call(cli.parse([str(word) for word in argv]))
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    before = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; programs that parse rendered files back are content."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trees, "accept_tree", lambda *_: ())
    return tmp_path


@pytest.fixture
def write(here: Path) -> Callable[..., Path]:
    """Writes inventory.yaml: the seed for Debian 13, edited."""

    def write(*edits: tuple[str, str], name: str = "inventory.yaml") -> Path:
        text = SEED.read_text(encoding="utf-8")
        for old, new in (("os: host", "os: debian-13"), *edits):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (here / name).write_text(text, encoding="utf-8")
        return Path(name)

    return write


@pytest.fixture
def write_with_users(write: Callable[..., Path]) -> Callable[..., Path]:
    """`write`, with somebody who may log in."""

    def write_with_users(*edits: tuple[str, str], name: str = "inventory.yaml") -> Path:
        path = write(*edits, name=name)
        text = path.read_text(encoding="utf-8")
        assert text.count("\nhosts:\n") == 1
        path.write_text(text.replace("\nhosts:\n", f"\n{ACCESS}hosts:\n"), encoding="utf-8")
        return path

    return write_with_users


@pytest.fixture
def inventory(write: Callable[..., Path]) -> Path:
    return write()


@pytest.fixture
def ready(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build host with all an image build needs: root, programs, keys."""
    keyring = here / "keyring.gpg"
    keyring.write_bytes(b"key")
    monkeypatch.setattr(image, "is_root", lambda: True)
    monkeypatch.setattr(build, "is_root", lambda: True)
    monkeypatch.setattr(build, "find_tool", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(from_plan, "keyring_for", lambda _: keyring)
    return here


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes programs away from a build host that has all others."""

    def without(*missing: str) -> None:
        monkeypatch.setattr(
            command.shutil,
            "which",
            lambda name, path=None: None if name in missing else f"/usr/bin/{name}",
        )

    return without
