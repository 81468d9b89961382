"""Bundles read by cloud-init itself: by the code of the package, which need not be installed."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from builder.plan.nouns.host import AccessPlan, HostPlan, UserPlan
from builder.plan.nouns.why import Why
from builder.prepare import host_named, prepare
from builder.resources import read_texts
from builder.targets.cloud_init.order import Booted
from builder.targets.cloud_init.seed import Seed, make_seeds
from builder.trees import stock_tree_of, tree_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "'\"$`{}%#\\|>&*!:- \t\n\r\x85\u2028ö😀a0"
CASES = 100
# As NoCloud and the user-data processor do it, by cloud-init's own functions. What it needs
# only to talk to a network is stood in for.
PROBE = """
import json, sys
from unittest.mock import MagicMock
for name in ("requests", "requests.exceptions", "configobj", "jsonpatch", "oauthlib", "urllib3"):
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = MagicMock()
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from cloudinit import user_data, util
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
from cloudinit.net import network_state
base = Path(sys.argv[2])
class Paths:
    def get_ipath(self, name=None): return str(base / "cloud_config")
    get_ipath_cur = get_cpath = get_ipath
def config(raw):
    message = user_data.UserDataProcessor(Paths()).process(raw)
    parts = [part for part in message.walk() if part.get_content_maintype() != "multipart"]
    assert [part.get_content_type() for part in parts] == ["text/cloud-config"], parts
    handler = CloudConfigPartHandler(Paths())
    handler.handle_part(None, "__begin__", None, None, None, {})
    payload = util.fully_decoded_payload(parts[0])
    handler.handle_part(None, "text/cloud-config", "part-001", payload, None, {})
    handler.handle_part(None, "__end__", None, None, None, {})
    return util.load_yaml((base / "cloud_config").read_text())
found = []
for case in sorted(base.glob("case-*")):
    read = lambda name: (case / name).read_bytes()
    network = util.load_yaml(read("network-config"))
    state = network_state.parse_net_config_data(network, skip_broken=False)
    found.append({
        **{form: config(read(form)) for form in ("user-data", "user-data.gz", "mime")},
        "meta": util.load_yaml(read("meta-data")),
        "network": network,
        "interfaces": sorted(i["name"] for i in state.iter_interfaces()),
    })
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the build host's release of cloud-init, unpacked."""
    base = tmp_path_factory.mktemp("cloud-init")
    argv = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "cloud-init"]
    subprocess.run(argv, cwd=base, check=True, capture_output=True)
    (deb,) = base.glob("cloud-init_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(deb), str(base / "root")], check=True)
    return base / "root/usr/lib/python3/dist-packages"


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    """The seed's host, golden and stock, and with users whose every text is hostile."""
    plan = prepare(ROOT / "examples/seed/inventory.yaml", host_named("nfv1"), "debian-13").plan
    templates, key = read_texts("templates"), plan.image.plan_id
    chance = random.Random(4)
    plans = [plan, *(hostile(plan, chance) for _ in range(CASES))]
    return [
        *make_seeds([plan], {key: stock_tree_of(plan.image)}, Booted("stock"), templates),
        *make_seeds(plans, {key: tree_of(plan.image)}, Booted("golden"), templates),
    ]


def hostile(plan: HostPlan, chance: random.Random) -> HostPlan:
    def some() -> str:
        return "".join(chance.choices(HOSTILE, k=chance.randrange(40)))

    keys = (some(), "#cloud-config\nruncmd: [reboot]\n", "{{ v1.hostname }}")
    user = UserPlan(some(), keys, some(), True, (some(), "on", "08"), Why(""))
    return replace(plan, access=AccessPlan((user,)))


def test_cloud_init_reads_what_was_meant(package: Path, seeds: list[Seed], tmp_path: Path) -> None:
    for number, seed in enumerate(seeds):
        case = tmp_path / f"case-{number:04}"
        case.mkdir()
        forms = {**seed.files, "mime": seed.mime(), "user-data.gz": seed.compressed()}
        for name, content in forms.items():
            (case / name).write_bytes(content)
    assert gzip.decompress((tmp_path / "case-0000/user-data.gz").read_bytes()) == seeds[0].user_data
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(package), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(seeds) == CASES + 2
    for read, seed in zip(found, seeds, strict=True):
        for form in ("user-data", "user-data.gz", "mime"):
            assert read[form] == seed.config
        assert read["meta"] == {"instance-id": seed.instance_id, "local-hostname": "nfv1"}
        assert read["network"] == seed.network
        assert read["interfaces"] == ["enp8s0"]
