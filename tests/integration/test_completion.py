"""The scripts of `rackwright completion` in the real shells: what a person sees after TAB."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from builder.verbs import VERBS

pytestmark = pytest.mark.integration
RELEASES = ["debian-12", "debian-13", "host", "ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04"]
# What is typed, and what the last word may become.
OFFERS = {
    "rackwright ": sorted(VERBS),
    "rackwright d": ["diff", "discover", "doctor"],
    "rackwright plan --ex": ["--explain"],
    "rackwright plan inventory.yaml --os ": RELEASES,
    "rackwright verify image.raw inventory.yaml --firmware u": ["uefi", "uefi-secure-boot"],
    "rackwright check inv": ["inventory.yaml"],
    "rackwright verify im": ["image.raw"],
    "rackwright render inventory.yaml -o tr": ["trees"],
    "rackwright completion f": ["fish"],
}
BASH = """
source "$1"
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
read -ra COMP_WORDS <<<"$COMP_LINE"
[[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[[ $(complete -p rackwright) =~ -F\\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" rackwright "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
# Ctrl-X tells the line as it is: what the terminal shows has more in it.
ZSH = r"""
PS1='> ' ; unsetopt beep
fpath=({folder} $fpath)
autoload -Uz compinit && compinit -u -D
tell() {{ print -r -- "line=[$BUFFER]" }}
zle -N tell && bindkey '^X' tell
print ready=yes
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script of each shell, under the name it is installed by."""
    folder = tmp_path_factory.mktemp("completion")
    for shell, name in {
        "bash": "rackwright",
        "zsh": "_rackwright",
        "fish": "rackwright.fish",
    }.items():
        argv = (sys.executable, "-m", "builder", "completion", shell)
        (folder / name).write_bytes(subprocess.run(argv, capture_output=True, check=True).stdout)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with files to name, and a program of our name on PATH."""
    for name in ("inventory.yaml", "image.raw", "tree.txt"):
        (tmp_path / name).touch()
    (tmp_path / "trees").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/rackwright").symlink_to("/bin/true")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines_of(*argv: str | Path) -> list[str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("typed", OFFERS)
def test_bash(scripts: Path, typed: str) -> None:
    offered = lines_of("bash", "--norc", "-c", BASH, "bash", scripts / "rackwright", typed)
    assert sorted(offered) == OFFERS[typed]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("typed", OFFERS)
def test_fish(scripts: Path, typed: str) -> None:
    """A directory is told by its slash, a description follows a tab."""
    command = f"source {scripts / 'rackwright.fish'}; complete -C {typed!r}"
    offered = {
        line.partition("\t")[0].rstrip("/") for line in lines_of("fish", "-N", "-c", command)
    }
    assert sorted(offered) == OFFERS[typed]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("typed", [line for line, offers in OFFERS.items() if len(offers) == 1])
def test_zsh(scripts: Path, typed: str) -> None:
    """Where one word can follow, TAB writes it, and a space or a slash after it."""
    (offer,) = OFFERS[typed]
    before = typed.rpartition(" ")[0]
    assert line_after_tab(scripts, typed).rstrip(" /") == f"{before} {offer}"


@pytest.mark.usefixtures("here")
def test_zsh_lists_what_there_is(scripts: Path) -> None:
    """Pressed twice, TAB shows all and goes through them."""
    seen = {line_after_tab(scripts, "rackwright ", presses) for presses in range(2, 12)}
    assert {line.split()[1] for line in seen} == set(VERBS)


def line_after_tab(scripts: Path, typed: str, presses: int = 1) -> str:
    """The command line of an interactive zsh after `typed` and TAB."""
    start = scripts / "start.zsh"
    start.write_text(ZSH.format(folder=scripts), encoding="utf-8")
    master, slave = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm"},
    )
    try:
        os.write(master, f"source {start}\n".encode())
        read_until(master, r"ready=(yes)")
        os.write(master, typed.encode() + b"\t" * presses + b"\x18")
        return read_until(master, r"line=\[(.*?)\]")
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
        os.close(slave)


def read_until(terminal: int, pattern: str) -> str:
    """The first group of what matches in the output."""
    seen = ""
    while (found := re.search(pattern, seen)) is None:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, f"nothing more after {seen!r}"
        seen += os.read(terminal, 4096).decode(errors="replace")
    return found[1]
