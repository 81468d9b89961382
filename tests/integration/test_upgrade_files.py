"""The files about upgrades, as apt, Python's re and Perl read them, and GRUB's with others beside it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from builder.render.grub import GRUB, cmdline
from builder.render.upgrades import APT, NEEDRESTART
from builder.trees import tree_of
from tests.plans import SEED, plan_of

pytestmark = pytest.mark.integration
PLAN = plan_of(SEED.read_text(encoding="utf-8"))
TREE = tree_of(PLAN)
KDUMP = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=512M-:192M"\n'
CLOUD = 'GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"\nGRUB_TIMEOUT=0\n'


def run(*argv: str, **env: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, env=env or None).stdout


def put(path: str, directory: Path) -> Path:
    file = TREE.get(path)
    assert file is not None
    target = directory / path.rpartition("/")[2]
    target.write_bytes(file.content)
    return target


def test_apt_reads_the_last_value(tmp_path: Path) -> None:
    """With unattended-upgrades' own files before it: their list of packages is empty."""
    (tmp_path / "20auto-upgrades").write_text('APT::Periodic::Enable "1";\n', encoding="utf-8")
    put(APT.path, tmp_path)
    config = tmp_path / "apt.conf"
    config.write_text(f'Dir::Etc::Parts "{tmp_path}";\n', encoding="utf-8")
    said = run("apt-config", "dump", APT_CONFIG=str(config), PATH="/usr/bin:/bin")
    values = dict(line.rstrip(";").split(" ", 1) for line in said.splitlines())
    assert values["APT::Periodic::Enable"] == '"0"'
    assert values["Unattended-Upgrade::Automatic-Reboot"] == '"false"'
    held = re.findall(r'^Unattended-Upgrade::Package-Blacklist:: "(.*)";$', said, re.MULTILINE)
    # unattended-upgrade asks re.match(), and of what a name may be made [-a-zA-Z0-9^$+.:].
    path = [
        package.name
        for package in PLAN.image.packages
        if re.match(r"linux-(?!base)|openvswitch|librte|dpdk", package.name)
    ]
    assert len(path) > 5
    assert [name for name in path if not any(re.match(start, name) for start in held)] == []
    assert not any(re.match(start, name) for start in held for name in ("openssl", "libc6", "udev"))


@pytest.mark.parametrize(
    ("service", "restarts"),
    [
        ("ovs-vswitchd.service", False),
        ("ovsdb-server.service", False),
        ("openvswitch-switch.service", False),
        ("rackwright-nics.service", False),
        ("kubelet.service", False),
        ("ssh.service", True),
        ("chrony.service", True),
    ],
)
def test_needrestart_leaves_the_data_path_alone(
    tmp_path: Path, service: str, restarts: bool
) -> None:
    """Perl reads it as /etc/needrestart/needrestart.conf does, and asks in the order of the keys."""
    file = put(NEEDRESTART.path, tmp_path)
    program = (
        "our %nrconf = (override_rc => {qr(^dbus) => 0}); do $ARGV[0]; die $@ if $@;"
        "my @found = grep { $ARGV[1] =~ /$_/ } sort keys %{$nrconf{override_rc}};"
        "print @found ? $nrconf{override_rc}->{$found[0]} : 1;"
    )
    assert run("perl", "-e", program, str(file), service) == ("1" if restarts else "0")


def test_grub_has_the_planned_words_once(tmp_path: Path) -> None:
    """grub-mkconfig: `for x in ${sysconfdir}/default/grub.d/*.cfg ; do . "${x}" ; done`."""
    (tmp_path / "50-cloudimg-settings.cfg").write_text(CLOUD, encoding="utf-8")
    (tmp_path / "kdump-tools.cfg").write_text(KDUMP, encoding="utf-8")
    put(GRUB.path, tmp_path)
    program = f"""
        set -e
        GRUB_CMDLINE_LINUX=own GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"
        for x in {tmp_path}/*.cfg; do if [ -e "$x" ]; then . "$x"; fi; done
        echo $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT
    """
    for locale in ("C", "C.UTF-8"):
        words = run("sh", "-c", program, LC_ALL=locale, PATH="/usr/bin:/bin").split()
        assert tuple(word.strip("'") for word in words) == cmdline(PLAN.image)
