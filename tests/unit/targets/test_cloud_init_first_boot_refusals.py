"""What the program of the first boot refuses to go on with, and what it says then."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import first_boot
import pytest
import seed_stock
from first_boot_node import GOLDEN, IMAGE, WORDS, Machine

from builder.targets.cloud_init.order import HOST_KEYS
from builder.targets.cloud_init.seed import FRESH_HOST_KEYS


def test_a_package_no_source_has_is_named(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    """Each boot says so anew, and so does `verify`; the first boot with a source goes on."""
    node = machine({**IMAGE, "packages": ["intel-microcode", "openvswitch-switch", "udev"]})
    for number in (1, 2):
        assert node.boot(["quiet"], number) == 1
        message = (
            "packages: no source of apt has intel-microcode: they were looked for in main"
            " non-free-firmware of trixie trixie-security; `apt-get update` on this node says which"
            " source does not answer, and the next boot tries again. A mirror is image.mirror,"
            " more packages are image.packages"
        )
        assert capsys.readouterr().out.endswith(f"rackwright: failed: {message}\n")
        assert status_of(node) == {"version": 1, "ok": False, "steps": [], "errors": [message]}
        assert not any("openvswitch" in line for line in node.ran)
    node.known.add("intel-microcode")
    assert node.boot(["quiet"], 3) == 0
    assert status_of(node) == {"version": 1, "ok": True, "steps": [], "errors": []}


def status_of(node: Machine) -> Any:
    return json.loads((node.root / first_boot.STATUS).read_text(encoding="utf-8"))


def test_a_program_that_breaks_is_in_the_status(
    machine: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_names: object) -> set[str]:
        raise subprocess.CalledProcessError(100, ["apt-cache", "policy"])

    node = machine({**IMAGE, "packages": ["intel-microcode"]})
    monkeypatch.setattr(seed_stock, "candidates", broken)
    assert node.boot(["quiet"], 1) == 1
    (error,) = status_of(node)["errors"]
    assert "apt-cache" in error
    assert "100" in error


def test_what_apt_could_install(monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "bc:\n  Installed: (none)\n  Candidate: 1.07.1-4\n  Version table:\n"
        "     1.07.1-4 500\n        500 http://m.example trixie/main amd64 Packages\n"
        "intel-microcode:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n"
        "sed:\n  Installed: 4.9-2\n  Candidate: 4.9-2\n  Version table:\n *** 4.9-2 500\n"
    )
    done = seed_stock.subprocess.CompletedProcess((), 0, said, "")
    monkeypatch.setattr(seed_stock.subprocess, "run", lambda *_, **__: done)
    assert seed_stock.candidates(["bc", "intel-microcode", "sed", "nobody-has-it"]) == {"bc", "sed"}


@pytest.mark.parametrize("words", [WORDS, ["quiet"]])
def test_a_golden_image_of_another_plan_is_left_alone(
    machine: Callable[..., Machine],
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    tmp_path: Path,
) -> None:
    """No reboot, no secret, and no word of being what the inventory says."""
    secret = {"name": "join", "url": (tmp_path / "vault").as_uri(), "path": "/etc/join"}
    node = machine(GOLDEN, (secret,))
    node.write("etc/rackwright/image-release", "# of\nIMAGE_ID=nfv-node\nIMAGE_VERSION=p0\n")
    for number in (1, 2):
        assert node.boot(words, number) == 1
        message = (
            "this image was built of plan p0, and the bundle is for plan p1: nothing was changed."
            " Build the image of the inventory as it is now and write it to this node, or make the"
            " bundle from the inventory the image was built from"
        )
        assert capsys.readouterr().out == f"rackwright: failed: {message}\n"
        assert status_of(node)["errors"] == [message]
        assert node.ran == []
        assert not node.wants_reboot
        assert not (node.root / "var/lib/rackwright/seed" / ("f" * 16)).exists()
    node.write("etc/rackwright/image-release", "IMAGE_ID=nfv-node\nIMAGE_VERSION=p1\n")
    node.write("vault", "s3cr3t\n")
    node.write(
        first_boot.ORDER,
        (node.root / first_boot.ORDER)
        .read_text(encoding="utf-8")
        .replace('"/etc/join"', '"/etc/join", "mode": "0600"'),
    )
    assert node.boot(WORDS, 3) == 0


def test_an_image_of_somebody_elses(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    node = machine(GOLDEN)
    (node.root / "etc/rackwright/image-release").unlink()
    assert node.boot(WORDS, 1) == 1
    assert capsys.readouterr().out == (
        "rackwright: failed: this is no image of rackwright, and the bundle is for the golden image"
        " of plan p1: boot that image, or make the bundle with --boots stock\n"
    )


@pytest.mark.parametrize(
    ("release", "shown"),
    [("ID=debian\nVERSION_CODENAME=bookworm\n", "debian bookworm"), ("ID=mint\n", "mint ?")],
)
def test_a_stock_image_of_another_release(
    machine: Callable[..., Machine],
    capsys: pytest.CaptureFixture[str],
    release: str,
    shown: str,
) -> None:
    """Its sources would mix two releases."""
    node = machine()
    node.write("usr/lib/os-release", release)
    assert node.boot(["quiet"], 1) == 1
    assert node.ran == []
    assert capsys.readouterr().out == (
        f"rackwright: failed: this is {shown}, and the bundle is for debian trixie: boot a cloud"
        " image of that release, or make the bundle for this one (--os)\n"
    )


@pytest.mark.allow_subprocess
def test_host_keys_are_this_hosts_from_its_first_boot_on(
    machine: Callable[..., Machine],
) -> None:
    """The hook of user-data removes keys until they are known to be this host's."""
    node = machine(GOLDEN)
    key = node.root / "etc/ssh/ssh_host_ed25519_key"
    public = key.with_name(f"{key.name}.pub")

    def hook(hostname: str) -> None:
        script = FRESH_HOST_KEYS.replace("/etc/ssh", str(key.parent))
        script = script.replace(HOST_KEYS, f"{node.root}{HOST_KEYS}")
        done = subprocess.run(["sh", "-c", script, "sh", hostname], check=False)
        assert done.returncode == 0

    node.write("etc/ssh/ssh_host_ed25519_key", "of the image\n")
    node.write("etc/ssh/ssh_host_ed25519_key.pub", "of the image\n")
    hook("nfv1")
    assert not key.exists()
    assert not public.exists()
    key.write_text("made on this node\n", encoding="utf-8")
    node.boot(WORDS, 1)
    hook("nfv1")
    assert key.exists()
    # A copy of the disk in another host: it makes its own.
    hook("nfv2")
    assert not key.exists()
