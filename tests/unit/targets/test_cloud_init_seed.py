"""Seeds: what is in them, that all of it comes back, and that nothing secret is in it."""

from __future__ import annotations

import email
import gzip
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from seed_plans import ACCESS, HASH, KEY, MAC, Plans, seeds_of

from builder.errors import BuilderError
from builder.plan.nouns.host import AccessPlan, UserPlan
from builder.plan.nouns.why import Why
from builder.render import cmdline, os_release_fields
from builder.render.node import LISTING
from builder.render.tree import diff_trees
from builder.resources import read_texts
from builder.targets.cloud_init.bundles import SEED_FORMS
from builder.targets.cloud_init.order import PROGRAM, SEED
from builder.targets.cloud_init.schemas import make_check
from builder.targets.cloud_init.seed import FRESH_HOST_KEYS, network_config
from builder.targets.cloud_init.user_data_limits import PROVIDERS, choose_form
from builder.targets.registry import TARGETS
from builder.trees import stock_tree_of, tree_of
from scripts.cloud_init_schemas import trim

WITH_ACCESS = ("hosts:", ACCESS)
WITH_MAC = ("{role: management, dhcp4: true}", f'{{role: management, dhcp4: true, mac: "{MAC}"}}')
STATIC = (
    "{role: management, dhcp4: true}",
    (
        "{role: management, addresses: [10.0.0.5/24, 'fd00::5/64'], gateway: 10.0.0.1,"
        " nameservers: [10.0.0.2], mtu: 9000}"
    ),
)


DIGEST = hashlib.sha256(KEY.split()[1].encode()).hexdigest()[:32]

USERS = [
    {
        "name": "admin",
        "shell": "/bin/bash",
        "lock_passwd": False,
        "hashed_passwd": HASH,
        "groups": ["adm"],
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "ssh_authorized_keys": [KEY],
    },
    {
        "name": "guest",
        "shell": "/bin/bash",
        "lock_passwd": True,
        "ssh_authorized_keys": [KEY],
    },
]


def file_of(config: Any, path: str) -> str:
    return str(next(item["content"] for item in config["write_files"] if item["path"] == path))


def test_golden_seed(plans: Plans) -> None:
    (seed,) = seeds_of(plans(WITH_ACCESS, WITH_MAC))
    config = yaml.safe_load(seed.user_data)
    assert seed.user_data.startswith(b"#cloud-config\n# Made by rackwright for host nfv1 ")
    assert config == seed.config
    order = json.loads(file_of(config, f"{SEED}/order.json"))
    identity, access = order["id"], order["access"]["id"]
    assert [item["path"] for item in config.pop("write_files")] == [
        f"{SEED}/order.json",
        f"{SEED}/image.json",
        f"{SEED}/programs/rackwright_seed.py",
        f"{SEED}/programs/seed_access.py",
        f"{SEED}/programs/seed_secrets.py",
        PROGRAM,
    ]
    is_done = f"test -e {SEED}/{identity}/applied && test -e {SEED}/access/{access}"
    hook = f"{{ {is_done}; }} || rm -rf /var/lib/cloud/instance/sem/*"
    assert config == {
        "bootcmd": [["sh", "-c", hook], ["sh", "-c", FRESH_HOST_KEYS, "sh", "nfv1"]],
        "hostname": "nfv1",
        "prefer_fqdn_over_hostname": True,
        "manage_etc_hosts": "localhost",
        "users": USERS,
        "ssh_pwauth": False,
        "ssh_deletekeys": False,
        "power_state": {
            "mode": "reboot",
            "delay": "now",
            "timeout": 120,
            "message": "rackwright: the kernel gets its new command line",
            "condition": ["test", "-e", "/run/rackwright/reboot"],
        },
    }
    assert yaml.safe_load(seed.meta_data) == {
        "instance-id": seed.instance_id,
        "local-hostname": "nfv1",
    }
    assert yaml.safe_load(seed.network_config) == {
        "version": 2,
        "ethernets": {
            "enp8s0": {
                "match": {"macaddress": MAC},
                "set-name": "enp8s0",
                "dhcp4": True,
                "dhcp-identifier": "mac",
                "dhcp6": False,
            }
        },
    }
    assert yaml.safe_load(seed.vendor_data) == {}


def test_golden_order_names_no_file(plans: Plans) -> None:
    (plan,) = plans(WITH_ACCESS)
    (seed,) = seeds_of([plan])
    order = json.loads(file_of(seed.config, f"{SEED}/order.json"))
    assert order == {
        "id": order["id"],
        "hostname": "nfv1",
        "cmdline": list(cmdline(plan.image)),
        "secrets": [
            {
                "name": "join",
                "url": "https://vault.example/join/nfv1",
                "path": "/etc/rackwright/join.yaml",
                "mode": "0600",
            }
        ],
        "access": {
            "id": order["access"]["id"],
            "users": {
                "admin": {"keys": [DIGEST], "password": True, "sudo": True, "groups": ["adm"]},
                "guest": {"keys": [DIGEST], "password": False, "sudo": False, "groups": []},
            },
        },
    }
    image = json.loads(file_of(seed.config, f"{SEED}/image.json"))
    assert image == {"boots": "golden", "plan-id": plan.image.plan_id}


def test_stock_seed_brings_every_file_and_package(plans: Plans) -> None:
    (plan,) = plans()
    (seed,) = seeds_of([plan], "stock")
    config = yaml.safe_load(seed.user_data)
    assert config == seed.config
    image = json.loads(file_of(config, f"{SEED}/image.json"))
    tree = stock_tree_of(plan.image)
    assert [item["path"] for item in image["files"]] == [file.path for file in tree]
    for item, file in zip(image["files"], tree, strict=True):
        if file.is_symlink:
            assert item == {"path": file.path, "link": file.content.decode()}
        else:
            assert item["sha256"] == file.sha256
            assert (item["mode"], item["owner"]) == (file.mode_text, file.owner)
            assert file_of(config, f"{SEED}/files{file.path}") == file.text
    assert image["boots"] == "stock"
    assert image["release"] == "debian trixie"
    assert image["os-release"] == list(os_release_fields(plan.image))
    assert "openvswitch-switch-dpdk" in image["packages"]
    assert "linux-image-amd64" in image["packages"]
    assert "grub-efi-amd64-signed" not in image["packages"]
    assert image["alternatives"] == {
        "ovs-vswitchd": "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
    }


def test_a_stock_image_gets_all_but_what_reports_to_verify(plans: Plans) -> None:
    (plan,) = plans()
    whole, stock = tree_of(plan.image), stock_tree_of(plan.image)
    names = ("_access", "_devices", "_system", "_units")
    left_out = [
        "/usr/lib/rackwright/facts",
        *(f"/usr/lib/rackwright/rackwright_facts{name}.py" for name in names),
        "/usr/lib/systemd/system/rackwright-facts.service",
        "/usr/lib/udev/rules.d/90-rackwright-facts.rules",
    ]
    assert [file.path for file in diff_trees(whole, stock).removed] == left_out
    # Nothing that stays needs them, and the node's list does not name them.
    assert [f.path for f in stock if "rackwright_facts" in f.text] == []
    listing = stock.get(LISTING.path)
    assert listing is not None
    assert listing.text.split() == [f.path for f in stock if f.path != LISTING.path]


def test_the_instance_changes_with_any_document(plans: Plans) -> None:
    bases = [plans(), plans(WITH_MAC), plans(WITH_ACCESS), plans(("  nfv1:", "  nfv2:"))]
    seeds = [seeds_of(hosts, boots)[0] for hosts in bases for boots in ("golden", "stock")]
    ids = [seed.instance_id for seed in seeds]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"iid-[0-9a-f]{16}", found) for found in ids)
    again = [seeds_of(hosts, boots)[0] for hosts in bases for boots in ("golden", "stock")]
    assert [(s.files, s.iso(), s.mime(), s.compressed()) for s in seeds] == [
        (s.files, s.iso(), s.mime(), s.compressed()) for s in again
    ]


def test_a_comment_in_the_inventory_changes_nothing(plans: Plans) -> None:
    one, two = seeds_of(plans()), seeds_of(plans(("\nhosts:", "\n# ünïcode 😀\nhosts:")))
    assert one == two


OTHER = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 c@d"
PEOPLE = f"""\
access:
  users:
    ann: {{ssh-keys: ["{KEY}", "{OTHER}"], groups: [adm, kvm]}}
    bob: {{password-hash: "{HASH}", sudo: true}}
  secrets:
    one: {{url: "https://v.example/1", path: /etc/one}}
    two: {{url: "https://v.example/2", path: /etc/two}}
hosts:"""


@pytest.mark.parametrize("boots", ["golden", "stock"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"{KEY}", f"{KEY.rpartition(' ')[0]} somebody@else"),
        (f"{KEY}", f"{KEY.rpartition(' ')[0]}"),
        (f'"{KEY}", "{OTHER}"', f'"{OTHER}", "{KEY}"'),
        ("adm, kvm", "kvm, adm"),
        ("    ann: {", "    bob2: {"),
        ("two", "ten"),
    ],
)
def test_cloud_init_is_not_to_begin_anew_for_a_remark_or_an_order(
    plans: Plans, boots: Any, old: str, new: str
) -> None:
    """It would make everything once more, on a node that has all of it."""
    one = seeds_of(plans(("hosts:", PEOPLE)), boots)[0]
    two = seeds_of(plans(("hosts:", PEOPLE.replace(old, new))), boots)[0]
    is_same = old not in ("    ann: {", "two")
    assert (one.instance_id == two.instance_id) == is_same
    ids = [json.loads(file_of(s.config, f"{SEED}/order.json")) for s in (one, two)]
    # Who may log in is no reason to install packages and make the initramfs again.
    assert (ids[0]["id"] == ids[1]["id"]) == (old != "two")
    assert (ids[0]["access"]["id"] == ids[1]["access"]["id"]) == (old != "    ann: {")


def test_users_and_secrets_in_another_order(plans: Plans) -> None:
    lines = PEOPLE.splitlines(keepends=True)
    turned = "".join([*lines[:2], lines[3], lines[2], lines[4], lines[6], lines[5], *lines[7:]])
    one, two = (seeds_of(plans(("hosts:", text)))[0] for text in (PEOPLE, turned))
    assert one.user_data != two.user_data
    assert one.instance_id == two.instance_id


def test_a_mirror_goes_to_stock_nodes_only(plans: Plans) -> None:
    golden, stock = (
        json.loads(file_of(seeds_of(plans(), boots, "http://m.example/debian/")[0].config, path))
        for boots, path in (("golden", f"{SEED}/image.json"), ("stock", f"{SEED}/image.json"))
    )
    assert "sources" not in golden
    assert stock["sources"] == {
        "suites": {
            "trixie": "archive",
            "trixie-updates": "archive",
            "trixie-security": "security",
        },
        "components": ["main", "non-free-firmware"],
        "keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
        "mirror": {
            "archive": "http://m.example/debian",
            "security": "http://m.example/debian-security",
        },
    }


def test_fixed_addresses(plans: Plans) -> None:
    (plan,) = plans(STATIC)
    assert network_config(plan.interfaces) == {
        "version": 2,
        "ethernets": {
            "enp8s0": {
                "dhcp4": False,
                "dhcp6": False,
                "addresses": ["10.0.0.5/24", "fd00::5/64"],
                "routes": [{"to": "default", "via": "10.0.0.1"}],
                "nameservers": {"addresses": ["10.0.0.2"]},
                "mtu": 9000,
            }
        },
    }


def test_storage_does_not_hold_up_the_boot(plans: Plans) -> None:
    (plan,) = plans(("role: management, ", "role: storage, "))
    assert network_config(plan.interfaces) == {
        "version": 2,
        "ethernets": {
            "enp8s0": {"dhcp4": True, "dhcp-identifier": "mac", "dhcp6": False, "optional": True}
        },
    }


def test_no_interface_is_left_to_cloud_init(plans: Plans) -> None:
    (plan,) = plans(("    interfaces:\n      enp8s0: {role: management, dhcp4: true}\n", ""))
    (seed,) = seeds_of([plan])
    assert seed.network is None
    assert yaml.safe_load(seed.network_config) is None


ODD = [
    "0",
    "1e3",
    "0x10",
    "on",
    "null",
    "y",
    "a.b.c",
    "2026-11-24",
    "1-2-3",
    "a" * 63,
    "12.5",
    "08",
]


@pytest.mark.parametrize("name", ODD)
def test_odd_host_names_stay_texts(plans: Plans, name: str) -> None:
    (seed,) = seeds_of(plans(("  nfv1:", f'  "{name}":')))
    assert yaml.safe_load(seed.meta_data)["local-hostname"] == name
    config = yaml.safe_load(seed.user_data)
    assert config["hostname"] == name
    assert config.get("fqdn") == (name if "." in name else None)


HOSTILE = st.text(st.sampled_from("'\"$`{}%#\\|>&*!:- \t\n\r\x85\u2028ö😀a"), max_size=40)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE))
def test_no_value_becomes_more_than_a_value(plans: Plans, texts: tuple[str, str, str, str]) -> None:
    """The model refuses most of these; the text must hold even if it did not."""
    plan = plans()[0]
    user = UserPlan(texts[0], (texts[1], "#cloud-config\n"), texts[2], False, (texts[3],), Why(""))
    (seed,) = seeds_of([replace(plan, access=AccessPlan((user,)))])
    assert yaml.safe_load(seed.user_data) == seed.config


def test_mime_carries_user_data(plans: Plans) -> None:
    (seed,) = seeds_of(plans(WITH_ACCESS))
    message = email.message_from_bytes(seed.mime())
    assert message.get_content_type() == "multipart/mixed"
    parts = message.get_payload()
    assert isinstance(parts, list)
    (part,) = parts
    assert isinstance(part, email.message.Message)
    assert part.get_content_type() == "text/cloud-config"
    assert part.get_payload(decode=True) == seed.user_data


def test_compressed_is_user_data(plans: Plans) -> None:
    (seed,) = seeds_of(plans(), "stock")
    packed = seed.compressed()
    assert gzip.decompress(packed) == seed.user_data
    assert packed[4:8] == bytes(4)


@pytest.mark.parametrize("boots", ["golden", "stock"])
@pytest.mark.parametrize("edits", [(), (WITH_ACCESS, WITH_MAC), (STATIC,)])
def test_every_schema_takes_it(plans: Plans, boots: Any, edits: Any) -> None:
    check = make_check(read_texts("schema"))
    assert [check(seed) for seed in seeds_of(plans(*edits), boots)] == [()]


def test_a_fault_names_host_document_release_and_key(plans: Plans) -> None:
    (seed,) = seeds_of(plans())
    check = make_check(read_texts("schema"))
    broken = replace(
        seed,
        config={**seed.config, "hostname": 5, "power_state": {"mode": "fly"}},
        network={"version": 3, "ethernets": {}},
    )
    faults = check(broken)
    assert 'nfv1/user-data: cloud-init 22.4.2: hostname: 5 is not of type "string"' in faults
    assert any("cloud-init 25.1.4: power_state.mode: " in fault for fault in faults)
    assert any(fault.startswith("nfv1/network-config: cloud-init 25.1.4: ") for fault in faults)


def test_schemas_are_those_of_the_packages_trimmed() -> None:
    """Trimmed once more they stay as they are: none is a whole one, or was trimmed otherwise."""
    names = sorted(name for name in read_texts("schema") if name.startswith("cloud-init/"))
    assert names == [
        "cloud-init/README.md",
        "cloud-init/cloud-config-22.4.2.json",
        "cloud-init/cloud-config-25.1.4.json",
        "cloud-init/network-config-v2-25.1.4.json",
    ]
    for name in names[1:]:
        text = read_texts("schema")[name]
        jsonschema_rs.validator_for(text)
        assert json.dumps(trim(json.loads(text)), indent=1) + "\n" == text


def test_without_schemas_nothing_is_called_sound() -> None:
    with pytest.raises(ValueError, match="there is no schema cloud-init/cloud-config-\\*\\.json"):
        make_check({})


def test_the_first_form_that_fits(plans: Plans) -> None:
    (golden,) = seeds_of(plans())
    (stock,) = seeds_of(plans(), "stock")
    assert choose_form(golden, "ec2") == ("user-data.gz", golden.compressed())
    assert choose_form(golden, "openstack") == ("user-data", golden.user_data)
    assert choose_form(stock, "openstack") == ("user-data.gz", stock.compressed())
    # Room for users, secrets and ports that the seed does not have.
    assert len(stock.compressed()) + 4096 <= PROVIDERS["openstack"].limit
    assert choose_form(stock, "gce") == ("user-data", stock.user_data)
    with pytest.raises(BuilderError) as caught:
        choose_form(stock, "ec2")
    whole, packed = len(stock.user_data), len(stock.compressed())
    assert caught.value.message == (
        f"user-data of nfv1 is {whole} bytes, {packed} compressed, and ec2 takes 16384"
    )
    assert caught.value.hint == (
        "boot the golden image (--boots golden), or serve the bundle over https and pass the "
        "provider two lines: #include, and the address of the host's user-data"
    )


def test_every_form_of_the_row_is_made() -> None:
    assert SEED_FORMS.keys() == TARGETS["cloud-init"].forms.keys()
