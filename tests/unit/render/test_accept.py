"""What is asked of the distribution's parsers, and what is made of their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from builder import accept
from builder.command import Command, Result
from builder.errors import ToolMissing
from builder.plan.nouns.host import HostPlan
from builder.render import render_host
from builder.render.tree import FileTree, RenderedFile

Texts = Mapping[str, str]


class FakeRunner:
    """Answers as the programs do that find no fault, or as told."""

    def __init__(self, **answers: Result) -> None:
        self.answers = answers
        self.argv: dict[str, tuple[str, ...]] = {}

    def run(self, command: Command) -> Result:
        name = Path(command.argv[0]).name.replace("-", "_")
        self.argv[name] = command.argv
        return self.answers.get(name, Result(0))


@pytest.fixture
def tree(host_plan: HostPlan, templates: Texts, programs: Texts) -> FileTree:
    return render_host(host_plan, templates, programs)


@pytest.fixture(autouse=True)
def _all_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "find_tool", lambda name: f"/usr/bin/{name}")


def words_of(tree: FileTree) -> bytes:
    file = tree.get("/etc/default/grub.d/zz-rackwright.cfg")
    assert file is not None
    line = next(x for x in file.text.splitlines() if x.startswith("GRUB_CMDLINE_LINUX="))
    return line.partition("=")[2].strip('"').encode() + b" "


def content(**answers: Result) -> FakeRunner:
    """A runner whose programs agree with the seed's tree."""
    modprobe = Result(0, b"options vfio_pci disable_idle_d3=1\noptions of_cmdline x=1\n")
    return FakeRunner(**{"modprobe": modprobe, **answers})


def test_a_good_tree(tree: FileTree, tmp_path: Path) -> None:
    runner = content(sh=Result(0, words_of(tree)))
    assert accept.accept_tree(tree, runner, tmp_path) == ()
    root = tmp_path / "systemd-analyze"
    assert runner.argv["systemd_analyze"] == (
        "systemd-analyze", "verify", "--man=no", "--generators=no", f"--root={root}",
        "netplan-ovs-cleanup.service", "ovs-vswitchd.service", "ovsdb-server.service", "rackwright-hugepages.service",
        "rackwright-nics.service", "rackwright-ovs-options.service",
    )  # fmt: skip
    netplan = tmp_path / "netplan"
    generator = "/usr/libexec/netplan/configure"
    assert runner.argv["configure"] == (generator, "--root-dir", str(netplan))
    assert (netplan / "etc/netplan/90-rackwright.yaml").stat().st_mode & 0o777 == 0o600
    assert runner.argv["modprobe"][-1] == str(tmp_path / "modprobe/etc/modprobe.d")


def test_units_and_programs_of_the_distribution_have_stand_ins(
    tree: FileTree, tmp_path: Path
) -> None:
    accept.accept_tree(tree, content(), tmp_path)
    root = tmp_path / "systemd-analyze"
    units = root / "usr/lib/systemd/system"
    for name in ("ovs-vswitchd.service", "sysinit.target", "network-pre.target"):
        assert (units / name).stat().st_mode & 0o777 == 0o644, name
    assert (root / "bin/true").stat().st_mode & 0o777 == 0o755
    ours = tree.get("/usr/lib/rackwright/nics")
    assert ours is not None
    assert (root / "usr/lib/rackwright/nics").read_bytes() == ours.content


def test_what_they_say_is_a_fault_without_our_directory(tree: FileTree, tmp_path: Path) -> None:
    runner = content(
        systemd_analyze=Result(
            1, b"", f"{tmp_path}/systemd-analyze/usr/lib/x.service:5: Unknown key\n\n".encode()
        ),
        configure=Result(78, b"", b""),
        sh=Result(2, b"", b"sh: 1: syntax error\n"),
        modprobe=Result(0, b"", b"bad line\n"),
    )
    words = "''"
    assert accept.accept_tree(tree, runner, tmp_path) == (
        "systemd-analyze verify: /usr/lib/x.service:5: Unknown key",
        "netplan: exit status 78",
        f"/etc/default/grub.d/zz-rackwright.cfg: sh reads {words}: sh: 1: syntax error",
        "modprobe: bad line",
        "modprobe --showconfig does not show: options vfio_pci disable_idle_d3=1",
    )


def test_a_shell_that_reads_other_words(tree: FileTree, tmp_path: Path) -> None:
    runner = content(sh=Result(0, b"quiet splash"))
    assert accept.accept_tree(tree, runner, tmp_path) == (
        "/etc/default/grub.d/zz-rackwright.cfg: sh reads 'quiet splash'",
    )


def test_quoted_words_are_one_word(tree: FileTree, tmp_path: Path) -> None:
    path = "/etc/default/grub.d/zz-rackwright.cfg"
    text = 'GRUB_CMDLINE_LINUX="a \'b=c;d\'"\nGRUB_CMDLINE_LINUX_DEFAULT=""\n'
    runner = FakeRunner(sh=Result(0, b"a 'b=c;d' "))
    one = FileTree((RenderedFile(path, text.encode()),))
    assert accept.accept_tree(one, runner, tmp_path) == ()


def test_nothing_is_asked_about_what_is_not_there(tmp_path: Path) -> None:
    runner = FakeRunner()
    assert accept.accept_tree(FileTree(), runner, tmp_path) == ()
    assert runner.argv == {}


def test_a_parser_this_machine_lacks(
    host_plan: HostPlan, templates: Texts, programs: Texts, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def find(name: str) -> str:
        if name == "netplan":
            raise ToolMissing(f"{name} is not installed", hint="apt-get install netplan.io")
        return name

    monkeypatch.setattr(accept, "find_tool", find)
    plan = replace(host_plan, image=replace(host_plan.image, module_options=()))
    tree = render_host(plan, templates, programs)
    runner = FakeRunner(sh=Result(0, words_of(tree)))
    assert accept.accept_tree(tree, runner, tmp_path) == ()
    assert sorted(runner.argv) == ["modprobe", "sh", "systemd_analyze"]


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (accept.NETPLAN_GENERATORS, "/usr/libexec/netplan/configure"),
        (accept.NETPLAN_GENERATORS[1:], "/usr/libexec/netplan/generate"),
        (accept.NETPLAN_GENERATORS[2:], "/usr/lib/netplan/generate"),
    ],
)
def test_only_the_generator_of_netplan_is_called(
    there: Sequence[str], asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line of netplan 1.1 reloads the udevd and systemd of this machine."""
    monkeypatch.setattr(accept, "find_tool", finding("netplan", *there))
    runner = FakeRunner()
    assert accept.accept_network({"version": 2}, runner) == ()
    (argv,) = runner.argv.values()
    assert argv[:2] == (asked, "--root-dir")


def test_a_netplan_without_a_generator_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "find_tool", finding("netplan"))
    runner = FakeRunner()
    assert accept.accept_network({"version": 2}, runner) == ()
    assert runner.argv == {}


def finding(*there: str) -> Callable[[str], str]:
    def find(name: str) -> str:
        if name not in there:
            raise ToolMissing(f"{name} is not installed")
        return name

    return find
