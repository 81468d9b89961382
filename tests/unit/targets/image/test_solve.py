"""What is read out of apt, and when it is asked at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.command import Command, Result
from builder.errors import BuilderError, CommandFailed
from builder.targets.image import solve

SIMULATION = """\
Reading package lists...
Inst libc6 (2.41-12 Debian:13.8/stable [amd64]) []
Inst bsdutils [1:2.40] (1:2.41-5 Debian:13.8/stable, Debian-Security:13/stable-security [amd64])
Inst libc6:i386 (2.41-12 Debian:13.8/stable [i386])
Conf libc6 (2.41-12 Debian:13.8/stable [amd64])
"""
QUESTION = solve.Question(
    "trixie", "amd64", ("deb http://m.example/debian trixie main",), Path("/k.gpg"), ("bash",)
)
DATE = 1757145600


class FakeApt:
    """apt-get that leaves lists, or fails in the named step."""

    def __init__(self, cache: Path, failing: str = "", detail: str = "") -> None:
        self.cache, self.failing, self.detail = cache, failing, detail
        self.calls: list[str] = []

    def run(self, command: Command) -> Result:
        step = "update" if command.argv[-1] == "update" else "install"
        self.calls.append(step)
        if step == self.failing:
            raise CommandFailed("apt-get failed with status 100", detail=self.detail)
        if step == "update":
            state = next(path for path in (self.cache / "apt").iterdir() if path.is_dir())
            name = "m.example_debian_dists_trixie_InRelease"
            text = "Origin: Debian\nDate: Sat, 06 Sep 2025 08:00:00 UTC\n"
            (state / "lists" / name).write_text(text)
            return Result(0)
        return Result(0, SIMULATION.encode())


def ask(cache: Path, apt: FakeApt, *, refresh: bool = False) -> tuple[solve.Solution, str]:
    return solve.solve(QUESTION, cache, apt, refresh=refresh, proxy={})


def test_parse_simulation() -> None:
    assert solve.parse_simulation(SIMULATION) == (("bsdutils", "1:2.41-5"), ("libc6", "2.41-12"))


def test_parse_release_date() -> None:
    assert solve.parse_release_date("Date: Sat, 06 Sep 2025 08:00:00 UTC\n") == DATE


def test_the_second_time_nobody_is_asked(tmp_path: Path) -> None:
    first, note = ask(tmp_path, FakeApt(tmp_path))
    assert (first.epoch, note) == (DATE, "asked now")
    apt = FakeApt(tmp_path)
    again, note = ask(tmp_path, apt)
    assert again == first
    assert apt.calls == []
    assert note == "as of just now"


def test_refresh_asks(tmp_path: Path) -> None:
    ask(tmp_path, FakeApt(tmp_path))
    apt = FakeApt(tmp_path)
    ask(tmp_path, apt, refresh=True)
    assert apt.calls == ["update", "install"]


def test_an_old_answer_serves_while_the_mirror_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = ask(tmp_path, FakeApt(tmp_path))
    monkeypatch.setattr(solve, "MAX_AGE_S", 0.0)
    again, note = ask(tmp_path, FakeApt(tmp_path, "update"))
    assert again == first
    assert note == "mirror unreachable: as of just now"


def test_mirror_unreachable(tmp_path: Path) -> None:
    with pytest.raises(BuilderError) as caught:
        ask(tmp_path, FakeApt(tmp_path, "update", "E: Failed to fetch"))
    assert caught.value.message == "the package lists of trixie cannot be fetched"
    assert caught.value.hint == (
        "check the network, the proxy variables and the mirror of the inventory"
    )
    assert caught.value.detail == "E: Failed to fetch"


@pytest.mark.parametrize(
    ("age_s", "text"),
    [(0, "just now"), (59, "just now"), (60, "1 min ago"), (3599, "59 min ago"), (7300, "2 h ago")],
)
def test_the_age_of_an_answer(age_s: float, text: str) -> None:
    assert solve.format_age(age_s) == text


@pytest.mark.parametrize("step", ["update", "install"])
def test_a_full_disk_is_not_the_mirrors_fault(tmp_path: Path, step: str) -> None:
    """Nor is an older answer taken then."""
    full = "E: Write error - write (28: No space left on device)"
    for _ in range(2):
        with pytest.raises(CommandFailed, match="apt-get failed"):
            ask(tmp_path, FakeApt(tmp_path, step, full), refresh=True)


def test_unknown_package(tmp_path: Path) -> None:
    with pytest.raises(BuilderError) as caught:
        ask(tmp_path, FakeApt(tmp_path, "install", "E: Unable to locate package bassh\n"))
    assert caught.value.message == (
        "the packages of the image cannot be installed together: trixie has no bassh"
    )


def test_a_damaged_answer_is_no_answer(tmp_path: Path) -> None:
    ask(tmp_path, FakeApt(tmp_path))
    (tmp_path / "solved" / f"{QUESTION.key()}.json").write_text('{"packages": [["a"')
    apt = FakeApt(tmp_path)
    ask(tmp_path, apt)
    assert apt.calls == ["update", "install"]


def test_the_keyring_is_named_with_the_source(tmp_path: Path) -> None:
    ask(tmp_path, FakeApt(tmp_path))
    written = next((tmp_path / "apt").glob("*/sources.list")).read_text()
    assert written == "deb [signed-by=/k.gpg] http://m.example/debian trixie main\n"
