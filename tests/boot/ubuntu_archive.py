"""A package archive laid out and named as Ubuntu's noble, made of Debian trixie's packages.

Nothing is asked of Ubuntu's archive. What Ubuntu has otherwise and an image depends on is packed
anew: names, enabled units, alternatives, dependencies, cloud-init's template of package sources.
"""

from __future__ import annotations

import email.utils
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from builder.build_host import keyring_for, mirrors_for, proxy_variables
from builder.catalog.releases import RELEASES
from builder.command import Command, Runner
from builder.targets.image import cache_keys, solve
from builder.workdir import locked

DEBIAN, UBUNTU = RELEASES["debian-13"], RELEASES["ubuntu-24.04"]
VERSION = "1rehearsal"
OS_RELEASE = """\
PRETTY_NAME="Ubuntu 24.04 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
"""
# As openssh-server has it since 22.10.
SSH_SOCKET = """\
[Unit]
Description=OpenBSD Secure Shell server socket
Before=sockets.target ssh.service
ConditionPathExists=!/etc/ssh/sshd_not_to_be_run

[Socket]
ListenStream=0.0.0.0:22
ListenStream=[::]:22
BindIPv6Only=ipv6-only
Accept=no
FreeBind=yes

[Install]
WantedBy=sockets.target
RequiredBy=ssh.service
"""
# The two mirrors of cloud-init's configuration for Debian.
_MIRROR = re.compile(r"https?://\S+/debian(-security)?$", re.MULTILINE)
# Without content: what only a real kernel or CPU needs. Name -> what it depends on.
EMPTY = {"linux-firmware": "", "intel-microcode": "", "amd64-microcode": ""}
KERNEL = "linux-image-amd64, linux-firmware, intel-microcode, amd64-microcode"
# Where Ubuntu has what is not in main of the suite itself: component, suite.
ELSEWHERE = {
    "openvswitch-switch-dpdk": ("universe", "noble"),
    "netplan.io": ("main", "noble-updates"),
    "openssh-server": ("main", "noble-security"),
}
SUITES = ("noble", "noble-updates", "noble-security")
COMPONENTS = ("main", "universe")


def make_archive(names: Iterable[str], directory: Path, cache: Path, runner: Runner) -> Path:
    """The archive with the Ubuntu packages `names` and all they need; returns the keyring.

    directory: becomes the root of the mirror. cache: keeps Debian's packages.
    """
    wanted = {name: debian_name(name) for name in names if name not in EMPTY}
    real = {*wanted.values(), "systemd-repart", "grub-efi-amd64"}
    debs = fetch(tuple(sorted(real)), cache, runner)
    pool = directory / "pool"
    pool.mkdir(parents=True)
    for deb in sorted(debs.glob("*.deb")):
        repack(deb, pool, runner)
    renamed = {name: other for name, other in wanted.items() if name != other}
    renamed[f"linux-image-{UBUNTU.kernels[0].package}"] = KERNEL
    for name, depends in {**EMPTY, **renamed}.items():
        make_empty(name, depends, pool, runner)
    return publish(directory, runner)


def debian_name(name: str) -> str:
    """What trixie calls a package of noble."""
    if name.startswith("librte-"):
        return re.sub(f"{UBUNTU.dpdk_abi}$", DEBIAN.dpdk_abi, name)
    return name.replace(UBUNTU.kernels[0].package, DEBIAN.kernels[0].package)


def fetch(names: tuple[str, ...], cache: Path, runner: Runner) -> Path:
    """A directory with Debian's packages `names`, and what they and the essential ones need."""
    proxy = proxy_variables(os.environ)
    sources = mirrors_for(DEBIAN, None, runner)
    question = solve.Question(DEBIAN.suite, "amd64", sources, keyring_for(DEBIAN), names)
    solution, _ = solve.solve(question, cache, runner, refresh=False, proxy=proxy)
    wanted = [f"{name}={version}" for name, version in solution.packages]
    debs = cache / "rehearsal-debs" / cache_keys.digest("rehearsal", wanted)[:16]
    state = cache / "apt" / cache_keys.digest("apt", (sources, "amd64"))[:16]
    debs.mkdir(parents=True, exist_ok=True)
    argv = ("apt-get", *solve.apt_options(state, "amd64"), "download", *wanted)
    env = {**proxy, "APT_CONFIG": str(state / "apt.conf")}
    with locked(debs.with_suffix(".lock")):
        runner.run(Command(argv, env, cwd=debs, timeout_s=600))
    return debs


def repack(deb: Path, pool: Path, runner: Runner) -> None:
    """The package as it is or, where Ubuntu's is another, changed."""
    edit = EDITS.get(deb.name.partition("_")[0])
    if edit is None:
        shutil.copy(deb, pool)
        return
    with tempfile.TemporaryDirectory(dir=pool.parent) as work:
        tree = Path(work) / "tree"
        runner.run(Command(("dpkg-deb", "-R", str(deb), str(tree))))
        edit(tree)
        build = ("dpkg-deb", "-Zgzip", "-z1", "-b", str(tree), str(pool / deb.name))
        runner.run(Command(build))


def make_empty(name: str, depends: str, pool: Path, runner: Runner) -> None:
    with tempfile.TemporaryDirectory(dir=pool.parent) as work:
        control = Path(work) / "tree/DEBIAN/control"
        control.parent.mkdir(parents=True)
        fields = {
            "Package": name,
            "Version": VERSION,
            "Architecture": "amd64",
            "Maintainer": "nobody <nobody@example.org>",
            **({"Depends": depends} if depends else {}),
            "Description": "stands for a package of Ubuntu",
        }
        control.write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
        target = pool / f"{name}_{VERSION}_amd64.deb"
        runner.run(Command(("dpkg-deb", "-b", str(control.parents[1]), str(target))))


def change(path: Path, *pairs: tuple[str, str]) -> None:
    """The text of a file, with every old part replaced; each must be there."""
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, (path.name, old)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def edit_base_files(tree: Path) -> None:
    (tree / "usr/lib/os-release").write_text(OS_RELEASE, encoding="utf-8")


def edit_cloud_init(tree: Path) -> None:
    change(
        tree / "etc/cloud/cloud.cfg",
        ("distro: debian", "distro: ubuntu"),
        ("arches: [default]", "arches: [i386, amd64]"),
    )
    config = tree / "etc/cloud/cloud.cfg"
    text, mirrors = _MIRROR.subn(_ubuntu_mirror, config.read_text(encoding="utf-8"))
    assert mirrors == 2, mirrors
    config.write_text(text, encoding="utf-8")


def _ubuntu_mirror(match: re.Match[str]) -> str:
    return f"http://{'security' if match[1] else 'archive'}.example/ubuntu"


def edit_openssh_server(tree: Path) -> None:
    """The socket is enabled and not the service; no unit of its own makes keys."""
    units = tree / "usr/lib/systemd/system"
    (units / "ssh.socket").write_text(SSH_SOCKET, encoding="utf-8")
    (units / "sshd-keygen.service").unlink()
    change(
        tree / "DEBIAN/postinst",
        ("'ssh.service'", "'ssh.socket'"),
        ("'sshd-keygen.service'", "'ssh.socket'"),
    )


def edit_shim_signed(tree: Path) -> None:
    """The usual name is a link to one of two, by way of /etc/alternatives."""
    shim = tree / "usr/lib/shim/shimx64.efi.signed"
    shim.rename(shim.with_name("shimx64.efi.signed.latest"))
    alternatives = tree / "etc/alternatives"
    alternatives.mkdir(parents=True)
    shim.symlink_to("/etc/alternatives/shimx64.efi.signed")
    (alternatives / "shimx64.efi.signed").symlink_to("/usr/lib/shim/shimx64.efi.signed.latest")


def edit_grub_signed(tree: Path) -> None:
    change(tree / "DEBIAN/control", ("Depends: ", "Depends: grub-efi-amd64 | grub-pc, "))


def edit_systemd(tree: Path) -> None:
    """systemd-repart is inside it."""
    change(tree / "DEBIAN/control", ("\nDepends: ", "\nDepends: systemd-repart, "))


EDITS: Mapping[str, Callable[[Path], None]] = {
    "base-files": edit_base_files,
    "cloud-init": edit_cloud_init,
    "openssh-server": edit_openssh_server,
    "shim-signed": edit_shim_signed,
    "grub-efi-amd64-signed": edit_grub_signed,
    "systemd": edit_systemd,
}


def publish(directory: Path, runner: Runner) -> Path:
    """Indexes and signed release files of the suites (Debian's RepositoryFormat); the keyring."""
    index: dict[tuple[str, str], str] = {
        (suite, component): "" for suite in SUITES for component in COMPONENTS
    }
    for deb in sorted((directory / "pool").glob("*.deb")):
        fields = runner.run(Command(("dpkg-deb", "-f", str(deb)))).stdout.decode().rstrip("\n")
        content = deb.read_bytes()
        name = deb.name.partition("_")[0]
        # DPDK and its users are in universe.
        usual = ("universe" if name.startswith("librte-") else "main", "noble")
        component, suite = ELSEWHERE.get(name, usual)
        index[suite, component] += (
            f"{fields}\nFilename: pool/{deb.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
        )
    # A directory of its own, as a path longer than a socket's is refused by gpg-agent.
    with tempfile.TemporaryDirectory() as home:
        gpg = partial(_gpg, runner, {"GNUPGHOME": home})
        gpg("--passphrase", "", "--quick-generate-key", "rehearsal", "ed25519", "sign", "never")
        for suite in SUITES:
            _release(directory / "dists" / suite, suite, index, gpg)
        keyring = directory / "keyring.gpg"
        gpg("--output", str(keyring), "--export")
        runner.run(Command(("gpgconf", "--kill", "all"), {"GNUPGHOME": home}))
    return keyring


def _gpg(runner: Runner, env: Mapping[str, str], *argv: str) -> None:
    runner.run(Command(("gpg", "--batch", "--quiet", *argv), env, timeout_s=60))


def _release(
    directory: Path, suite: str, index: Mapping[tuple[str, str], str], gpg: Callable[..., None]
) -> None:
    date = email.utils.formatdate(time.time() - 3600)
    lines = [
        "Origin: Ubuntu", "Label: Ubuntu", f"Suite: {suite}", "Codename: noble", f"Date: {date}",
        "Architectures: amd64", f"Components: {' '.join(COMPONENTS)}", "SHA256:",
    ]  # fmt: skip
    for component in COMPONENTS:
        packages = directory / component / "binary-amd64/Packages"
        packages.parent.mkdir(parents=True)
        content = index[suite, component].encode()
        packages.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f" {digest} {len(content)} {packages.relative_to(directory)}")
    release = directory / "Release"
    release.write_text("\n".join(lines) + "\n", encoding="utf-8")
    gpg("--output", str(directory / "InRelease"), "--clearsign", str(release))


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name it has there
        """Not to stderr, one line for each package."""


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The mirror's address on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(directory))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
