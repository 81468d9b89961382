"""Each parser finds what it is for; the messages in full."""

from __future__ import annotations

import pytest

from builder.render.grub import read_grub_cmdline
from builder.render.parse import parse_back
from builder.render.tree import SYMLINK, FileTree, RenderedFile

GRUB = "/etc/default/grub.d/zz-rackwright.cfg"
UNIT = "[Unit]\nDescription=x\n"


def faults_of(path: str, text: str) -> tuple[str, ...]:
    found = parse_back(FileTree((RenderedFile(path, text.encode()),)))
    return tuple(fault.removeprefix(f"{path}: ") for fault in found)


def grub(words: str, default: str = "") -> str:
    return f'GRUB_CMDLINE_LINUX="{words}"\nGRUB_CMDLINE_LINUX_DEFAULT="{default}"\n'


def test_grub_words_in_the_order_grub_mkconfig_writes_them() -> None:
    assert read_grub_cmdline(grub("a 'b=c;d'", "quiet")) == ("a", "b=c;d", "quiet")


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        (GRUB, grub("a $(x)"), "'GRUB_CMDLINE_LINUX=\"a $(x)\"' is not one plain assignment"),
        (GRUB, grub("a") + "reboot\n", "'reboot' is not one plain assignment"),
        (GRUB, grub("a") + "X=1 reboot\n", "'X=1 reboot' is not one plain assignment"),
        (GRUB, 'GRUB_CMDLINE_LINUX="a"\n', "'GRUB_CMDLINE_LINUX_DEFAULT'"),
        (GRUB, grub("'a b'"), "'a b' cannot be written as a kernel argument"),
        (GRUB, 'GRUB_CMDLINE_LINUX="a\n', "No closing quotation"),
        ("/etc/modprobe.d/ixgbe.conf", "install ixgbe /bin/x\n",
         "'install ixgbe /bin/x' is not: options module name=value"),
        ("/etc/modprobe.d/ixgbe.conf", "options igb max_vfs=1\n",
         "sets options of igb, which belong in igb.conf"),
        ("/etc/modules-load.d/rackwright.conf", "tun openvswitch\n",
         "'tun openvswitch' is not a module name"),
        ("/etc/sysctl.d/99-zz-rackwright.conf", "vm.swappiness\n",
         "'vm.swappiness' is not: key = value"),
        ("/etc/sysctl.d/99-zz-rackwright.conf", "vm.a = 1\nvm.a = 2\n", "vm.a is set twice"),
        ("/etc/sysctl.d/99-zz-rackwright.conf", "vm = 1\n",
         "'vm' cannot be written as a sysctl key"),
        ("/etc/systemd/network/10-rackwright-a.link", "[Match]\nPath=pci-0000:01:00.0\n",
         "has no section [Link]"),
        ("/etc/systemd/network/10-rackwright-a.link", "[Link]\nName=a\n[Match]\nPath=*\n",
         "'*' cannot be written as a PCI address"),
        ("/etc/systemd/network/20-rackwright-a.network", "[Link]\nMTUBytes=1\n", "has no section [Match]"),
        ("/usr/lib/systemd/system/a.service", UNIT + "[Srevice]\nType=oneshot\n[Service]\nType=x\n",
         "has a section [Srevice]"),
        ("/usr/lib/systemd/system/a.service", UNIT, "has no section [Service]"),
        ("/etc/systemd/system/dev-hugepages2M.mount", UNIT + "[Mount]\nWhere=/dev/y\n",
         "mounts /dev/y, so its name must be dev-y.mount"),
        ("/etc/systemd/system/ovsdb-server.service.d/10-rackwright.conf", "After=x\n",
         "line 1: 'After=x' stands before any [Section]"),
        ("/usr/lib/udev/rules.d/90-x.rules", "KERNEL=x\n", "'KERNEL=x' is not a udev rule"),
        ("/etc/netplan/90-rackwright.yaml", "network: {version: 1, ethernets: {}}\n",
         "is not version 2"),
        ("/etc/netplan/90-rackwright.yaml", "network: {version: 2}\n", "'ethernets'"),
        ("/etc/cloud/cloud.cfg.d/90-rackwright.cfg", "- a\n", "is not a YAML mapping"),
        ("/etc/hosts", "localhost 127.0.0.1\n",
         "'localhost 127.0.0.1' is not an address with names"),
        ("/etc/hostname", "a b\n", "'a b' is not a host name"),
        ("/etc/rackwright/node.json", '{"version": 1}\n',
         "has keys version, not version, plan-id, offline-cpus, hugepages, pfs, bindings, kernel-ports, ovs"),
        ("/etc/rackwright/node.json",
         ('{"version": 2, "plan-id": "", "offline-cpus": "all", "hugepages": [], "pfs": [], '
         '"bindings": [], "ovs": null}\n'), "'all' cannot be written as a CPU list"),
        ("/etc/rackwright/image-release", "IMAGE_ID=a b\n",
         "'IMAGE_ID=a b' is not a field of os-release(5) we write"),
        ("/etc/rackwright/files", "etc/x\n", "'etc/x' is not an absolute path"),
        ("/usr/lib/rackwright/nics", "print(1)\n", "does not start with #!/usr/bin/python3"),
        ("/usr/lib/rackwright/nics", "#!/usr/bin/python3\nif:\n",
         "invalid syntax (<unknown>, line 2)"),
        ("/etc/hostname", "nfv1", "does not end in a line end"),
        ("/etc/motd", "hello\n", "no parser knows this file"),
    ],
)  # fmt: skip
def test_a_fault_is_found(path: str, text: str, fault: str) -> None:
    assert faults_of(path, text)[:1] == (fault,)


def test_text_that_is_not_utf8() -> None:
    tree = FileTree((RenderedFile("/etc/hostname", b"\xff\n"),))
    assert parse_back(tree)[0].startswith("/etc/hostname: 'utf-8' codec can't decode")


def test_a_command_line_the_kernel_would_cut() -> None:
    room = 2047 - len(
        f"BOOT_IMAGE=/boot/vmlinuz-6.12.117+deb13-cloud-amd64 root=UUID={'u' * 36} ro "
    )
    assert faults_of(GRUB, grub("a" * room)) == ()
    assert faults_of(GRUB, grub("a" * (room + 1))) == (
        "the kernel command line may become 2048 characters long, and the kernel keeps 2047",
    )


def test_a_command_line_that_is_not_the_plans() -> None:
    tree = FileTree((RenderedFile(GRUB, grub("a b").encode()),))
    assert parse_back(tree, ("a", "b")) == ()
    assert parse_back(tree, ("b", "a")) == (f"{GRUB}: comes to 'a b', the plan has 'b a'",)
    assert parse_back(FileTree(), ("a",)) == (f"{GRUB}: comes to '', the plan has 'a'",)


def test_links() -> None:
    link = "/etc/systemd/system/x.target.wants/rackwright-nics.service"
    unit = "/usr/lib/systemd/system/rackwright-nics.service"
    dangling = RenderedFile(link, unit.encode(), SYMLINK)
    relative = RenderedFile("/etc/systemd/system/a.service", b"b.service", SYMLINK)
    mask = RenderedFile("/etc/systemd/system/dpdk.service", b"/dev/null", SYMLINK)
    assert parse_back(FileTree((dangling, relative, mask))) == (
        "/etc/systemd/system/a.service: the link's target is not absolute",
        f"{link}: points to {unit}, which is not in the tree",
    )
