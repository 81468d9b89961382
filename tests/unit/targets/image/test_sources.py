"""Where an image's packages come from when nobody names a mirror and the host has none for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.catalog.releases import RELEASES
from builder.command import Command, Result
from builder.errors import BuilderError, CommandFailed
from builder.targets.image import sources
from builder.targets.image.request import ImageRequest
from builder.targets.image.sources import package_sources

SAID = """\
http://archive.example/ubuntu/ noble main
http://archive.example/ubuntu/ noble universe
http://security.example/ubuntu/ noble-security main
"""
LINES = (
    "deb http://archive.example/ubuntu noble main universe",
    "deb http://security.example/ubuntu noble-security main",
)


class FakeTools:
    """mmdebstrap and the apt that reads what it left."""

    def __init__(self, *, is_failing: bool = False) -> None:
        self.is_failing = is_failing
        self.commands: list[Command] = []

    def run(self, command: Command) -> Result:
        self.commands.append(command)
        if "mmdebstrap" not in command.argv:
            return Result(0, SAID.encode())
        if self.is_failing:
            raise CommandFailed("unshare failed with status 1", detail="E: no such suite")
        return Result(0)


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageRequest:
    monkeypatch.setattr(sources, "mirrors_for", lambda *_: ())
    monkeypatch.setattr(sources, "knows_suite", lambda _: True)
    return ImageRequest(
        name="node",
        release=RELEASES["ubuntu-24.04"],
        packages=(),
        files=(),
        cmdline=(),
        formats=("raw",),
        out_dir=tmp_path / "out",
        cache_dir=tmp_path / "cache",
        plan_id="p",
        mirror=None,
        keyring=Path("/k.gpg"),
        proxy={"http_proxy": "http://p.example"},
    )


def test_a_mirror_asks_nobody(request_: ImageRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sources, "mirrors_for", lambda *_: ("deb http://m.example/ubuntu noble main",)
    )
    tools = FakeTools()
    assert package_sources(request_, tools) == ("deb http://m.example/ubuntu noble main",)
    assert tools.commands == []


def test_mmdebstrap_is_asked_once(request_: ImageRequest) -> None:
    tools = FakeTools()
    assert package_sources(request_, tools) == LINES
    mmdebstrap, apt = tools.commands
    assert mmdebstrap.argv[0] == "unshare"
    assert mmdebstrap.argv[-5:-1] == (
        *("--format=directory", "--components=main,universe", "--keyring=/k.gpg", "noble"),
    )
    assert f"Dir={mmdebstrap.argv[-1]}" in apt.argv
    # Its temporary files are in a directory that goes with us, or with the next build.
    assert mmdebstrap.env == {
        "http_proxy": "http://p.example",
        "TMPDIR": str(Path(mmdebstrap.argv[-1]).parent),
    }
    assert [path.name for path in request_.cache_dir.iterdir()] == ["sources"]
    again = FakeTools()
    assert package_sources(request_, again) == LINES
    assert again.commands == []


def test_mmdebstrap_fails(request_: ImageRequest) -> None:
    with pytest.raises(BuilderError) as caught:
        package_sources(request_, FakeTools(is_failing=True))
    assert (caught.value.message, caught.value.hint, caught.value.detail) == (
        "mmdebstrap cannot use its own package sources of noble",
        "check the network, or name a mirror in the inventory",
        "E: no such suite",
    )
    # Nothing is in it, so it is gone too.
    assert not request_.cache_dir.exists()


def test_a_suite_mmdebstrap_would_ask_the_wrong_archive_for(
    request_: ImageRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "knows_suite", lambda _: False)
    tools = FakeTools()
    with pytest.raises(BuilderError) as caught:
        package_sources(request_, tools)
    assert (caught.value.message, caught.value.hint) == (
        (
            "no mirror of ubuntu-24.04 is known: distro-info-data, which tells mmdebstrap of noble, "
            "is not installed or too old"
        ),
        "apt-get install distro-info-data, or name a mirror in the inventory: image.mirror",
    )
    assert tools.commands == []
