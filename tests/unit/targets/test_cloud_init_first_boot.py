"""The program of the first boot, cut off after every step and started again."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path

import first_boot
import pytest
import rackwright_seed
import seed_secrets
import seed_stock
from first_boot_node import CONTENT, GOLDEN, IMAGE, STEPS, WORDS, Cut, Machine


def steps(root: Path) -> list[str]:
    return [step.format(root=root) for step in STEPS]


def check_finished(node: Machine) -> None:
    target = node.root / "etc/a.conf"
    assert target.read_bytes() == CONTENT
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert (node.root / "etc/wants/a").readlink() == Path("/etc/a.conf")
    assert (node.root / "boot/grub/grub.cfg").read_text(encoding="utf-8") == "menuentry\n"
    assert (node.root / "var/lib/rackwright/seed" / ("f" * 16) / "done").exists()
    assert "openvswitch-switch" in node.installed
    release = (node.root / "etc/os-release").read_text(encoding="utf-8")
    assert release == "ID=debian\nVERSION_CODENAME=trixie\nIMAGE_ID=nfv-node\n"
    assert [path.name for path in (node.root / "etc").glob(".*")] == []


def test_a_stock_image_reboots_once(machine: Callable[..., Machine]) -> None:
    node = machine()
    assert node.boot(["quiet"], 1) == 0
    assert node.ran == steps(node.root)
    assert node.wants_reboot
    assert node.boot(WORDS, 2) == 0
    assert node.ran == steps(node.root)
    assert not node.wants_reboot
    check_finished(node)


def test_later_boots_do_nothing(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    node = machine()
    node.boot(["quiet"], 1)
    node.boot(WORDS, 2)
    capsys.readouterr()
    ran = list(node.ran)
    # Even when somebody edits GRUB's settings later: no reboot nobody asked for.
    assert node.boot(["quiet"], 3) == 0
    assert (node.ran, node.wants_reboot) == (ran, False)
    assert capsys.readouterr().out == ""


def test_no_reboot_when_the_words_are_there(machine: Callable[..., Machine]) -> None:
    node = machine()
    assert node.boot(WORDS, 1) == 0
    assert not node.wants_reboot
    assert node.ran == [
        *steps(node.root),
        "systemctl daemon-reload",
        "systemctl restart systemd-modules-load.service",
        "systemctl restart systemd-sysctl.service",
        "systemctl --no-block start default.target",
    ]
    check_finished(node)


def test_a_golden_image_has_nothing_to_do(machine: Callable[..., Machine]) -> None:
    node = machine(GOLDEN)
    assert node.boot(WORDS, 1) == 0
    assert node.ran == []
    assert (node.root / "var/lib/rackwright/seed" / ("f" * 16) / "done").exists()
    assert not node.wants_reboot


def test_never_reboots_twice(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    node = machine()
    node.boot(["quiet"], 1)
    capsys.readouterr()
    assert node.boot(["quiet"], 2) == 1
    assert not node.wants_reboot
    assert capsys.readouterr().out == (
        "rackwright: failed: after a reboot the node still lacks isolcpus=1: "
        "/etc/default/grub.d has a later file than ours, GRUB's default is another kernel, "
        "or another loader starts it\n"
    )
    assert node.boot(["quiet"], 3) == 1
    assert not node.wants_reboot
    # Mended by hand, it ends well.
    assert node.boot(WORDS, 4) == 0
    check_finished(node)


def test_what_was_cut_off_while_it_was_unpacked_is_unpacked_anew(
    machine: Callable[..., Machine],
) -> None:
    """Also when nothing is missing: dpkg alone would refuse it at every boot."""
    node = machine()
    node.installed.add("openvswitch-switch")
    node.refused = ["openvswitch-common"]
    node.boot(WORDS, 1)
    assert node.ran[:4] == [
        "dpkg --configure -a",
        "apt-get update",
        "apt-get --fix-broken install --reinstall openvswitch-common",
        "apt-get install",
    ]
    check_finished(node)


@pytest.mark.parametrize("when", ["cut_before", "cut_after"])
@pytest.mark.parametrize("step", STEPS)
def test_goes_on_after_a_cut_anywhere(
    machine: Callable[..., Machine], step: str, when: str
) -> None:
    node = machine()
    setattr(node, when, step.format(root=node.root))
    with pytest.raises(Cut):
        node.boot(["quiet"], 1)
    node.cut_before = node.cut_after = None
    assert node.boot(["quiet"], 2) == 0
    assert node.wants_reboot
    assert node.boot(WORDS, 3) == 0
    assert set(steps(node.root)) == set(node.ran)
    check_finished(node)


def test_steps_that_are_done_are_not_done_again(machine: Callable[..., Machine]) -> None:
    node = machine()
    node.cut_before = "update-initramfs -u -k all"
    with pytest.raises(Cut):
        node.boot(["quiet"], 1)
    node.cut_before, node.ran = None, []
    node.boot(["quiet"], 2)
    assert node.ran == steps(node.root)[5:]


def test_a_cut_before_the_reboot_is_no_second_reboot(machine: Callable[..., Machine]) -> None:
    """The request is noted, and the machine loses power before cloud-init acts on it."""
    node = machine()
    node.boot(["quiet"], 1)
    assert node.boot(WORDS, 2) == 0
    assert not node.wants_reboot


def test_the_same_boot_may_ask_again(machine: Callable[..., Machine]) -> None:
    node = machine()
    node.boot(["quiet"], 1)
    assert node.boot(["quiet"], 1) == 0
    assert node.wants_reboot


def test_half_a_file_is_not_put_in_its_place(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    node = machine()
    node.write(f"{seed_stock.STAGE}/etc/a.conf", CONTENT[:4])
    node.write("etc/a.conf", "before\n")
    assert node.boot(["quiet"], 1) == 1
    assert (node.root / "etc/a.conf").read_text(encoding="utf-8") == "before\n"
    assert not (node.root / "var/lib/rackwright/seed" / ("f" * 16) / "applied").exists()
    assert capsys.readouterr().out.endswith(
        "rackwright: failed: /etc/a.conf did not arrive whole: the next boot writes it again\n"
    )
    node.write(f"{seed_stock.STAGE}/etc/a.conf", CONTENT)
    assert node.boot(["quiet"], 2) == 0
    assert node.boot(WORDS, 3) == 0
    check_finished(node)


@pytest.mark.parametrize("text", ["", "{", '{"id": "x"}'])
def test_half_an_order_is_not_followed(machine: Callable[..., Machine], text: str) -> None:
    node = machine()
    node.write(first_boot.ORDER, text)
    assert node.boot(["quiet"], 1) == 1
    assert not node.wants_reboot
    if text != '{"id": "x"}':
        assert node.ran == []


def test_files_of_an_earlier_bundle_go(machine: Callable[..., Machine]) -> None:
    node = machine()
    node.write("etc/rackwright/files", "/etc/a.conf\n/etc/old.conf\n")
    node.write("etc/old.conf", "old\n")
    node.boot(["quiet"], 1)
    assert not (node.root / "etc/old.conf").exists()
    assert (node.root / "etc/a.conf").exists()


def test_waits_for_a_mirror(machine: Callable[..., Machine]) -> None:
    node = machine()
    node.fails = 2
    assert node.boot(["quiet"], 1) == 0
    assert node.ran == steps(node.root)


def test_gives_up_on_a_mirror_until_the_next_boot(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    node = machine()
    node.fails = 5
    assert node.boot(["quiet"], 1) == 1
    assert capsys.readouterr().out.endswith(
        "rackwright: failed: packages: apt-get ended with 100\n"
    )
    assert node.boot(["quiet"], 2) == 0
    assert node.ran[-5:] == steps(node.root)[2:]


def test_an_image_of_one_host_fetches_secrets_without_a_bundle(
    machine: Callable[..., Machine], tmp_path: Path
) -> None:
    (vault := tmp_path / "vault").write_text("one")
    node = machine(GOLDEN)
    secret = {"name": "join", "url": vault.as_uri(), "path": "/etc/join", "mode": "0600"}
    order = {"id": "secrets-0123456789abcdef", "secrets": [secret]}
    node.write("list", json.dumps(order))
    assert seed_secrets.main(node.root / "list", node.root) == 0
    vault.unlink()
    assert (seed_secrets.main(node.root / "list", node.root), node.ran) == (0, [])
    node.write("list", json.dumps({**order, "id": "secrets-0"}))
    assert seed_secrets.main(node.root / "list", node.root) == 1
    assert (node.root / "etc/join").read_text() == "one"


def test_secrets_are_fetched_once(
    machine: Callable[..., Machine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = tmp_path / "vault"
    vault.write_text("s3cr3t\n", encoding="utf-8")
    secret = {"name": "join", "url": vault.as_uri(), "path": "/etc/join", "mode": "0600"}
    node = machine(GOLDEN, (secret,))
    assert node.boot(WORDS, 1) == 0
    target = node.root / "etc/join"
    assert target.read_text(encoding="utf-8") == "s3cr3t\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "s3cr3t" not in capsys.readouterr().out
    vault.unlink()
    assert node.boot(WORDS, 2) == 0


def test_a_vault_that_is_down_is_asked_at_the_next_boot(
    machine: Callable[..., Machine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = tmp_path / "vault"
    secret = {"name": "join", "url": vault.as_uri(), "path": "/etc/join", "mode": "0600"}
    node = machine(GOLDEN, (secret,))
    assert node.boot(WORDS, 1) == 1
    assert "rackwright: failed: secret join: " in capsys.readouterr().out
    vault.write_text("", encoding="utf-8")
    assert node.boot(WORDS, 2) == 1
    assert "secret join: the answer is empty\n" in capsys.readouterr().out
    assert not (node.root / "etc/join").exists()
    vault.write_text("s3cr3t\n", encoding="utf-8")
    assert node.boot(WORDS, 3) == 0
    assert (node.root / "etc/join").read_text(encoding="utf-8") == "s3cr3t\n"


def test_no_half_of_grubs_file(machine: Callable[..., Machine]) -> None:
    node = machine()
    node.cut_after = f"grub-mkconfig -o {node.root}/boot/grub/grub.cfg.rackwright"
    with pytest.raises(Cut):
        node.boot(["quiet"], 1)
    assert (node.root / "boot/grub/grub.cfg").read_text(encoding="utf-8") == "old\n"


def test_refuses_a_kernel_without_drivers(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    node = machine()
    node.kernel = "6.12.48+deb13-cloud-amd64"
    assert node.boot(["quiet"], 1) == 1
    assert node.ran == []
    assert capsys.readouterr().out == (
        "rackwright: step sources\n"
        "rackwright: nothing here says where trixie is, and the inventory names no mirror\n"
        "rackwright: nothing here says where trixie-security is, and the inventory names no mirror\n"
        "rackwright: step packages\n"
        "rackwright: failed: 6.12.48+deb13-cloud-amd64 is the kernel for virtual machines of "
        "clouds, without most NICs: boot Debian's image `generic`, not `genericcloud`\n"
    )


def test_the_cloud_kernel_where_it_is_planned(machine: Callable[..., Machine]) -> None:
    node = machine({**IMAGE, "kernel": "cloud-amd64"})
    node.kernel = "6.12.48+deb13-cloud-amd64"
    assert node.boot(WORDS, 1) == 0
    check_finished(node)


@pytest.mark.parametrize(
    "running", ["6.12.48+deb13-amd64", "6.1.0-50-amd64", "6.8.0-1012-aws", "6.12.1"]
)
def test_another_kernel_is_one_reboot_and_then_told(
    machine: Callable[..., Machine], capsys: pytest.CaptureFixture[str], running: str
) -> None:
    """It was installed beside the one that runs: only a boot shows which of them GRUB starts."""
    node = machine({**IMAGE, "kernel": "rt-amd64"})
    node.kernel = running
    assert node.boot(WORDS, 1) == 0
    assert node.wants_reboot
    assert f"a reboot is needed, for a kernel rt-amd64 (it is {running})" in capsys.readouterr().out
    assert node.boot(WORDS, 2) == 1
    assert not node.wants_reboot
    assert capsys.readouterr().out == (
        f"rackwright: failed: after a reboot the node still lacks a kernel rt-amd64 (it is {running}): "
        "/etc/default/grub.d has a later file than ours, GRUB's default is another kernel, "
        "or another loader starts it\n"
    )
    node.kernel = "6.12.48+deb13-rt-amd64"
    assert node.boot(WORDS, 3) == 0
    check_finished(node)


def test_dracut_where_there_is_no_initramfs_tools(
    machine: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = machine()
    monkeypatch.setattr(seed_stock.shutil, "which", lambda _: None)
    node.boot(["quiet"], 1)
    assert node.ran[5] == "dracut --regenerate-all --force"


def test_files_of_an_earlier_bundle_go_after_a_cut(machine: Callable[..., Machine]) -> None:
    """The new list is in its place, and the power goes before the rest is."""
    listing = b"/etc/a.conf\n"
    entry = {"path": "/etc/rackwright/files", "sha256": hashlib.sha256(listing).hexdigest(),
             "mode": "0644", "owner": "root:root"}  # fmt: skip
    node = machine({**IMAGE, "files": [entry, *IMAGE["files"]]})
    node.write(f"{seed_stock.STAGE}/etc/rackwright/files", listing)
    node.write("etc/rackwright/files", "/etc/a.conf\n/etc/old.conf\n")
    node.write("etc/old.conf", "old\n")
    node.write(f"{seed_stock.STAGE}/etc/a.conf", CONTENT[:4])
    assert node.boot(["quiet"], 1) == 1
    node.write(f"{seed_stock.STAGE}/etc/a.conf", CONTENT)
    assert node.boot(["quiet"], 2) == 0
    assert not (node.root / "etc/old.conf").exists()


def test_an_earlier_bundle_that_comes_back_is_applied_again(
    machine: Callable[..., Machine],
) -> None:
    node = machine()
    node.boot(["quiet"], 1)
    node.boot(WORDS, 2)
    order = json.loads((node.root / first_boot.ORDER).read_text(encoding="utf-8"))
    node.write(first_boot.ORDER, json.dumps({**order, "id": "e" * 16}))
    node.write("etc/a.conf", "of the other bundle\n")
    assert node.boot(WORDS, 3) == 0
    node.write("etc/a.conf", "of the other bundle\n")
    node.write(first_boot.ORDER, json.dumps(order))
    assert node.boot(WORDS, 4) == 0
    check_finished(node)


@pytest.mark.parametrize("address", ["http://vault.example/join", "ftp://vault.example/join"])
def test_a_secret_follows_no_redirect_into_the_clear(address: str) -> None:
    request = seed_secrets.urllib.request.Request("https://vault.example/join")
    with pytest.raises(
        rackwright_seed.Failed, match=r"^the server redirects to an address that is not https$"
    ):
        seed_secrets.StayPrivate().redirect_request(request, None, 302, "Found", {}, address)
    followed = seed_secrets.StayPrivate().redirect_request(
        request, None, 302, "Found", {}, "https://vault.example/other"
    )
    assert followed.full_url == "https://vault.example/other"
