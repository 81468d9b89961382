"""Every command of the how-to, run as it stands there, and what it says of the results."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/how-to/bring-up-a-host-with-cloud-init.md"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9mXkqH1rMwpoRBPGcEt0fo6xbLw7MDb9v8q3S8m2pK a@b"
HASH = "$y$j9T$5zq7XcmzNPvSVMvRbVsrL.$eDoVIR4N7vCbtE0n6tcBYx5kHU5l3CrD3fTJX5v0Kg9"
SERVER = "python3 -m http.server"
# Not of the build host: it would upgrade this machine.
ON_NODE = "apt-get update && apt-get upgrade"


def commands() -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return [
        line
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.split("\n")
        if line
    ]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """The seed's inventory with the how-to's own addition, its placeholders filled in."""
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    example = example.replace("ssh-ed25519 AAAA… admin@example", KEY).replace("$y$j9T$…", HASH)
    access, _, hosts = example.partition("hosts:\n")
    (interface,) = re.findall(r"^ +enp8s0: .*$", hosts, re.MULTILINE)
    seed = (ROOT / "examples/seed/inventory.yaml").read_text(encoding="utf-8")
    seed = seed.replace("      enp8s0: {role: management, dhcp4: true}", interface)
    assert interface in seed
    path = tmp_path / "inventory.yaml"
    path.write_text(seed.replace("\nhosts:", f"\n{access}\nhosts:"), encoding="utf-8")
    return path


def test_every_command_of_the_page(inventory: Path) -> None:
    here = inventory.parent
    assert [line.split()[0] for line in commands()] == [
        *("rackwright", "blkid", "rackwright", "rackwright", "rackwright", "rackwright", "python3"),
        "apt-get",
    ]
    for line in commands():
        if not line.startswith(SERVER) and line != ON_NODE:
            said = run(line, here)
            if line.startswith("blkid"):
                assert ' LABEL="cidata" TYPE="iso9660"' in said
    seeds = here / "seeds"
    # The port of the page may be in use here.
    server = subprocess.Popen(
        [*f"{sys.executable} -m http.server --directory".split(), str(seeds), "--bind", "127.0.0.1", "0"],
        stdout=subprocess.PIPE, text=True, bufsize=1, env={"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        (port,) = re.findall(r"port (\d+)", server.stdout.readline())
        found = {name: fetch(f"http://127.0.0.1:{port}/nfv1/{name}") for name in
                 ("user-data", "meta-data", "vendor-data", "network-config")}  # fmt: skip
    finally:
        server.kill()
        server.wait()
        server.stdout.close() if server.stdout else None
    config = yaml.safe_load(found["user-data"])
    assert config["users"][0]["hashed_passwd"] == HASH
    assert found["user-data"].startswith(b"#cloud-config\n")
    assert b"https://vault.example/join/nfv1" in found["user-data"]


def test_what_the_page_says_of_providers(inventory: Path) -> None:
    here = inventory.parent
    base = "rackwright cloud-init inventory.yaml --host nfv1 -o bundle"
    run(f"{base} --provider ec2", here)
    assert (here / "bundle/nfv1/user-data.gz").exists()
    run(f"{base} --boots stock --provider openstack", here)
    assert (here / "bundle/nfv1/user-data.gz").exists()
    said = attempt(f"{base} --boots stock --provider ec2", here)
    assert said.returncode == 1
    assert "compressed, and ec2 takes 16384" in said.stderr


def run(line: str, here: Path) -> str:
    done = attempt(line, here)
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


def attempt(line: str, here: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        call(line), cwd=here, capture_output=True, text=True, check=False, env=env
    )


def call(line: str) -> list[str]:
    program, *rest = line.split()
    return [sys.executable, "-m", "builder", *rest] if program == "rackwright" else [program, *rest]


def fetch(url: str) -> bytes:
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
