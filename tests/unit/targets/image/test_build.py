"""What a build refuses before it begins, and how it publishes."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest
from base_facts import FACTS
from recording import NullMonitor, RecordingRunner

from builder.catalog.releases import RELEASES
from builder.errors import BuilderError, CommandFailed, ToolMissing
from builder.targets.image import build, outputs
from builder.targets.image import cached_base as bases
from builder.targets.image.installed import Listing
from builder.targets.image.request import Artefact, ImageFile, ImageRequest
from builder.targets.registry import TARGETS


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageRequest:
    monkeypatch.setattr(build, "is_root", lambda: True)
    monkeypatch.setattr(build, "find_tool", lambda name: f"/usr/bin/{name}")
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(b"key")
    return ImageRequest(
        name="node",
        release=RELEASES["debian-13"],
        packages=(),
        files=(),
        cmdline=("console=ttyS0",),
        formats=("raw",),
        out_dir=tmp_path / "out",
        cache_dir=tmp_path / "cache",
        plan_id="p",
        mirror="http://m.example/debian",
        keyring=keyring,
    )


def refused(request: ImageRequest) -> tuple[str, str | None]:
    with pytest.raises(BuilderError) as caught:
        build.build_image(request, RecordingRunner(), NullMonitor())
    return caught.value.message, caught.value.hint


def test_not_root(request_: ImageRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "is_root", lambda: False)
    assert refused(request_) == (
        "building an image needs root: files of the image belong to many users",
        "run the same command with sudo",
    )


def test_unknown_format(request_: ImageRequest) -> None:
    assert refused(replace(request_, formats=("raw", "vhd"))) == (
        "unknown image format vhd",
        "one of raw, qcow2, raw.zst",
    )


def test_name_with_a_directory(request_: ImageRequest) -> None:
    assert refused(replace(request_, name="../node"))[0] == "'../node' is not a valid file name"


def test_missing_keyring(request_: ImageRequest, tmp_path: Path) -> None:
    missing = tmp_path / "none.gpg"
    assert refused(replace(request_, keyring=missing)) == (
        f"the keyring {missing} of debian-13 is missing",
        "apt-get install debian-archive-keyring",
    )


@pytest.mark.parametrize(
    ("missing", "form"), [("qemu-img", "qcow2"), ("zstd", "raw.zst"), ("fstrim", "raw")]
)
def test_missing_tool(
    request_: ImageRequest, monkeypatch: pytest.MonkeyPatch, missing: str, form: str
) -> None:
    def find(name: str) -> str:
        if name == missing:
            raise ToolMissing(f"{name} is not installed", hint="apt-get install it")
        return name

    monkeypatch.setattr(build, "find_tool", find)
    assert refused(replace(request_, formats=(form,))) == (
        f"{missing} is not installed",
        "apt-get install it",
    )


def test_what_only_another_format_needs_may_be_missing() -> None:
    assert "qemu-img" not in TARGETS["image"].tools_for(("raw", "raw.zst"))


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        CommandFailed("mke2fs failed", detail="mke2fs: No space left on device"),
        CommandFailed("apt-get failed", detail="E: Write error - write (28: No space left)"),
    ],
)
@pytest.mark.parametrize("option", ["--cache", "-o"])
def test_full_disk(
    request_: ImageRequest, monkeypatch: pytest.MonkeyPatch, fault: Exception, option: str
) -> None:
    def fail(*_: object) -> None:
        raise fault

    if option == "-o":
        monkeypatch.setattr(build, "plan_base", lambda *_: (None, ""))
        monkeypatch.setattr(build, "ensure_base", lambda *_: None)
    monkeypatch.setattr(build, "plan_base" if option == "--cache" else "make_raw", fail)
    message, hint = refused(request_)
    where = request_.cache_dir if option == "--cache" else request_.out_dir
    assert message == f"no space left on the disk of {where}"
    assert hint == (
        "an image needs about 3 GiB while it is built; free some, or choose another directory with "
        f"{option}"
    )
    assert not request_.out_dir.exists()


def test_the_output_is_a_file(request_: ImageRequest) -> None:
    """Told before the packages are solved, which takes a while."""
    request_.out_dir.write_text("mine", encoding="utf-8")
    assert refused(request_) == (f"{request_.out_dir} is a file", "name a directory with -o")


def make_base(tmp_path: Path, kinds: dict[str, str]) -> bases.Base:
    return bases.Base(tmp_path, FACTS, Listing(kinds))


def test_early_archive_has_module_options_only(tmp_path: Path) -> None:
    files = (
        ImageFile("/etc/modprobe.d/a.conf", 0o644, 0, 0, b"options a\n"),
        ImageFile("/etc/modprobe.d/link.conf", 0o120777, 0, 0, b"/dev/null"),
        ImageFile("/etc/modprobe.d/sub/b.conf", 0o644, 0, 0, b"no"),
        ImageFile("/etc/sysctl.d/c.conf", 0o644, 0, 0, b"no"),
    )
    archive = build.early_archive(files, make_base(tmp_path, {}))
    assert b"options a\n" in archive
    assert b"link.conf" not in archive
    assert b"sub" not in archive
    assert b"sysctl" not in archive
    assert build.early_archive(files[3:], make_base(tmp_path, {})) == b""


def test_early_archive_refuses_a_file_of_a_package(tmp_path: Path) -> None:
    file = ImageFile("/etc/modprobe.d/a.conf", 0o644, 0, 0, b"")
    with pytest.raises(BuilderError) as caught:
        build.early_archive((file,), make_base(tmp_path, {"/etc/modprobe.d/a.conf": "f"}))
    assert caught.value.message == (
        "/etc/modprobe.d/a.conf belongs to a package, whose version the initramfs would keep"
    )


def test_describe_matches_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    assert outputs.describe_artefact(path) == Artefact(
        path, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
