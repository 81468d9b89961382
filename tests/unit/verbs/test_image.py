"""`image`: what is refused before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.targets.image import build, from_plan
from builder.verbs import image

Call = Any
OUT = ("--host", "nfv1", "-o", "out")


@pytest.fixture
def write(write_with_users: Callable[..., Path]) -> Callable[..., Path]:
    return write_with_users


@pytest.fixture(autouse=True)
def builds(ready: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The requests that reach the builder, which makes nothing."""
    requests: list[object] = []
    monkeypatch.setattr(image, "build_image", lambda request, *_: requests.append(request))
    monkeypatch.setattr(image, "summary", lambda _: "built")
    return requests


def test_builds(rackwright: Call, inventory: Path, builds: list[Any], here: Path) -> None:
    said = rackwright("image", inventory, *OUT, "--format", "qcow2, raw,qcow2", "--cache", "c")
    assert said == (0, "built\n", "")
    (request,) = builds
    assert (request.name, request.host, request.formats) == (
        "nfv-node-nfv1",
        "nfv1",
        ("qcow2", "raw"),
    )
    assert (request.out_dir, request.cache_dir) == (here / "out", here / "c")


def test_golden_image_of_a_profile(rackwright: Call, inventory: Path, builds: list[Any]) -> None:
    assert rackwright("image", inventory, "--profile", "nfv", "-o", "out").code == 0
    assert (builds[0].name, builds[0].host) == ("nfv-node", None)
    assert "/etc/hostname" not in [file.path for file in builds[0].files]


def test_a_host_nobody_can_log_in_to(
    rackwright: Call, inventory: Path, builds: list[Any], here: Path
) -> None:
    text = inventory.read_text(encoding="utf-8")
    start, end = text.index("access:"), text.index("hosts:\n")
    (here / "nobody.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    assert rackwright("image", "nobody.yaml", *OUT).err == (
        "warning: nobody can log in to the node: the inventory has no user\n"
        '  hint: access: {users: {admin: {ssh-keys: ["ssh-ed25519 …"], sudo: true}}}\n'
    )
    assert rackwright("image", "nobody.yaml", "--profile", "nfv", "-o", "out").err == ""


def test_only_the_image_of_a_host_has_users(
    rackwright: Call, inventory: Path, builds: list[Any]
) -> None:
    rackwright("image", inventory, *OUT)
    rackwright("image", inventory, "--profile", "nfv", "-o", "out")
    host, golden = builds
    assert [user.name for user in host.users] == ["admin"]
    assert [(file.path, file.mode, file.owner) for file in host.owned] == [
        ("/home/admin/.ssh/authorized_keys", 0o600, "admin:admin")
    ]
    assert (golden.users, golden.owned) == ((), ())
    own = {file.path for file in host.files} - {file.path for file in golden.files}
    assert "/etc/ssh/sshd_config.d/10-rackwright.conf" in own


def test_dry_run(rackwright: Call, inventory: Path, builds: list[object], here: Path) -> None:
    said = rackwright("image", inventory, *OUT, "--dry-run")
    assert (said.code, said.err, builds) == (0, "", [])
    assert said.out.splitlines()[:2] == [
        f"image       nfv-node-nfv1 (debian-13) -> {here}/out",
        "formats     raw, qcow2",
    ]
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("formats", "named"),
    [("vmdk", "'vmdk'"), ("raw,vhd,iso", "'vhd', 'iso'"), ("", "''")],
)
def test_unknown_format(
    rackwright: Call, inventory: Path, builds: list[object], formats: str, named: str
) -> None:
    said = rackwright("image", inventory, *OUT, "--format", formats, "--dry-run")
    assert (said.code, said.out, builds) == (2, "", [])
    assert said.err.startswith("usage: rackwright image ")
    assert said.err.endswith(
        f"rackwright image: error: argument --format: unknown image format {named} (choose from "
        "raw, qcow2, raw.zst)\n"
    )


def test_no_root(
    rackwright: Call, inventory: Path, builds: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "is_root", lambda: False)
    assert rackwright("image", inventory, *OUT) == (
        1,
        "",
        (
            "rackwright: error: building an image needs root: files of the image belong to many"
            " users\n  hint: run the same command with sudo\n"
        ),
    )
    assert builds == []


@pytest.mark.parametrize(
    ("tool", "package"),
    [
        ("mmdebstrap", "mmdebstrap"),
        ("qemu-img", "qemu-utils"),
        ("e2fsck", "e2fsprogs"),
        ("mcopy", "mtools"),
    ],
)
def test_missing_tool(
    rackwright: Call,
    inventory: Path,
    monkeypatch: pytest.MonkeyPatch,
    without: Callable[..., None],
    tool: str,
    package: str,
) -> None:
    from builder.command import find_tool  # noqa: PLC0415 -- the one `ready` has replaced

    monkeypatch.setattr(build, "find_tool", find_tool)
    without(tool)
    assert rackwright("image", inventory, *OUT) == (
        1,
        "",
        f"rackwright: error: {tool} is not installed\n  hint: apt-get install {package}\n",
    )


def test_a_look_at_an_image_needs_no_keys(
    rackwright: Call, inventory: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = here / "none.gpg"
    monkeypatch.setattr(from_plan, "keyring_for", lambda _: missing)
    argv = ("image", inventory, *OUT, "--os", "ubuntu-24.04")
    said = rackwright(*argv, "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert rackwright(*argv).err == (
        f"rackwright: error: the keyring {missing} of ubuntu-24.04 is missing\n"
        "  hint: apt-get install ubuntu-keyring (Debian 12 has it in backports)\n"
    )


def test_unknown_profile(rackwright: Call, inventory: Path) -> None:
    assert rackwright("image", inventory, "--profile", "edge", "-o", "out") == (
        1,
        "",
        "rackwright: error: inventory.yaml has no profile 'edge'\n  hint: profiles: nfv\n",
    )


def test_profile_on_two_classes(rackwright: Call, write: Callable[..., Path]) -> None:
    inventory = write()
    text = inventory.read_text(encoding="utf-8")
    first, rest = text.split("  e5-2620v4:\n", 1)
    hardware, rest = rest.split("\nprofiles:\n", 1)
    host = rest.partition("  nfv1:\n")[2].replace("e1:21:64", "e1:21:65")
    inventory.write_text(
        f"{first}  e5-2620v4:\n{hardware}\n  spare:\n{hardware}\nprofiles:\n{rest}\n"
        f"  nfv2:\n{host.replace('hardware: e5-2620v4', 'hardware: spare')}",
        encoding="utf-8",
    )
    assert rackwright("image", inventory, "--profile", "nfv", "-o", "out") == (
        1,
        "",
        (
            "rackwright: error: profile 'nfv' is used on several hardware classes: e5-2620v4, spare\n"
            "  hint: an image is for one class: name a host of it with --host\n"
        ),
    )


def test_cache_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    assert image.default_cache() == Path("/var/cache/rackwright")
    monkeypatch.setattr(image, "is_root", lambda: False)
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert image.default_cache() == Path("/home/u/.cache/rackwright")
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    assert image.default_cache() == Path("/fast/rackwright")
