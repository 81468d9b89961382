"""The call of diskimage-builder, and what is told when it fails."""

from __future__ import annotations

import os
from pathlib import Path

from builder.catalog.identities import Identity
from builder.resources import data_dir
from builder.targets.image import compose, elements

SEARCH = (data_dir("elements"),)
ELEMENTS = elements.expand(("rackwright-node",), SEARCH)
COMPOSITION = compose.Composition(
    distro="debian",
    suite="trixie",
    sources=("deb http://m.example/debian trixie main",),
    keyring=Path("/k.gpg"),
    packages=("bash", "dash"),
    dpkg_options=("path-exclude=/usr/share/man/*",),
    epoch=7,
    root_cache=Path("/cache/root.tar.zst"),
    identities=(Identity("/etc/a", "/usr/bin/a"), Identity("/b", "/c", placeholder="x=y\n")),
    usr_links=("bin", "sbin"),
    proxy={"http_proxy": "http://p.example"},
)

LOG = """\
dib-run-parts Running /w/dib_build.x/hooks/root.d/08-rackwright-root
dib-run-parts 08-rackwright-root completed
dib-run-parts Running /tmp/in_target.d/install.d/50-rackwright-node
++ dirname /tmp/in_target.d/install.d/50-rackwright-node
install: cannot stat '50-root.conf': No such file or directory
INFO diskimage_builder.block_device.blockdevice [-] State already cleaned
Unmount /w/dib_build.x/mnt/sys
"""


def test_command(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = compose.compose_command(COMPOSITION, ELEMENTS, SEARCH, tmp_path, log)
    assert command.argv[:9] == (
        *("unshare", "--mount", "--propagation", "private", "--pid", "--mount-proc"),
        *("--fork", "--kill-child", "--"),
    )
    assert Path(command.argv[9]).name == "disk-image-create"
    assert command.argv[-4:] == (
        str(tmp_path / "dib-cache"),
        "rackwright-boot",
        "rackwright-node",
        "rackwright-root",
    )
    assert command.env["DIB_RACKWRIGHT_PACKAGES"] == "bash dash"
    assert command.env["DIB_RACKWRIGHT_IDENTITIES"] == "/etc/a\t\n/b\tx=y"
    assert command.env["DIB_RACKWRIGHT_EPOCH"] == "7"
    assert command.env["DIB_RACKWRIGHT_USR_LINKS"] == "bin sbin"
    # Before the host's own: sudo-rs does not keep the environment, which the elements need.
    first = Path(command.env["PATH"].split(":")[0])
    assert first == data_dir("elements") / "rackwright-root/host-bin"
    assert os.access(first / "sudo", os.X_OK)
    assert command.env["http_proxy"] == "http://p.example"
    assert command.env["TMP_DIR"] == str(tmp_path)


def explained(tmp_path: Path, text: str) -> tuple[str, str]:
    log = tmp_path / "log"
    log.write_text(text)
    error = compose.explain_failure(log, ELEMENTS, Path("/c/bases"))
    full = "free some space in /c/bases, or choose another directory with --cache; "
    assert error.hint == f"{full if 'No space' in text else ''}the whole log is {log}"
    return error.message, error.detail or ""


def test_the_failing_script_and_its_words_are_named(tmp_path: Path) -> None:
    message, detail = explained(tmp_path, LOG)
    assert message == "element rackwright-node failed in install.d/50-rackwright-node"
    assert detail.splitlines()[-1] == (
        "install: cannot stat '50-root.conf': No such file or directory"
    )


def test_full_disk(tmp_path: Path) -> None:
    message, _ = explained(tmp_path, LOG + "tar: x: Cannot write: No space left on device\n")
    assert message == (
        "element rackwright-node failed in install.d/50-rackwright-node: no space left on device"
    )


def test_mirror_away(tmp_path: Path) -> None:
    text = (
        LOG.split("dib-run-parts 08", maxsplit=1)[0] + "E: Failed to fetch http://m.example/x.deb\n"
    )
    message, _ = explained(tmp_path, text)
    assert message == (
        "element rackwright-root failed in root.d/08-rackwright-root:"
        " packages could not be downloaded"
    )


def test_failure_between_scripts(tmp_path: Path) -> None:
    message, _ = explained(tmp_path, "\n".join(LOG.splitlines()[:2]))
    assert message == "diskimage-builder failed outside of any element"
    message, _ = explained(tmp_path, "")
    assert message == "diskimage-builder failed outside of any element"
