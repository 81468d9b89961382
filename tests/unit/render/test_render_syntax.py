"""Each syntax prints what it may, as it is, and refuses the rest."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnostics import Location
from builder.errors import BuilderError
from builder.plan.nouns.why import Origin, Why
from builder.render import syntax

HOSTILE = (
    "x; rm -rf /",
    "$(reboot)",
    "`reboot`",
    "%n",
    "{{ plan }}",
    "a\nb",
    "a\\",
    "a'b",
    'a"b',
    "",
)
GOOD = {
    "kernel_word": "isolcpus=managed_irq,domain,1-7",
    "module": "vfio-pci",
    "module_option": "max_vfs",
    "module_value": "2,2",
    "sysctl_key": "net.ipv4.conf.all.rp_filter",
    "sysctl_value": "4096 87380 16777216",
    "interface": "ens11f0",
    "pci": "0000:01:00.0",
    "cpus": "0-7,16,24-31",
    "mtu": "9000",
    "number": "115200",
    "page_size": "1G",
    "mount_point": "/dev/hugepages1G",
    "hostname": "nfv1.example.org",
    "user": "admin",
    "address": "fd00::1",
    "image_word": "nfv-node",
    "package": "openvswitch-",
}


@pytest.mark.parametrize("name", syntax.TEXT_CHECKS)
def test_what_belongs_is_printed_as_it_is(name: str) -> None:
    assert syntax.TEXT_CHECKS[name](GOOD[name]) == GOOD[name]


@pytest.mark.parametrize("name", [name for name in syntax.TEXT_CHECKS if name != "sysctl_value"])
@pytest.mark.parametrize("value", HOSTILE)
def test_what_could_mean_something_else_is_refused(name: str, value: str) -> None:
    with pytest.raises(BuilderError):
        syntax.TEXT_CHECKS[name](value)


def test_a_sysctl_value_is_the_rest_of_its_line() -> None:
    # kernel.core_pattern needs both; sysctl.d(5) gives neither a meaning.
    value = "|/usr/lib/core $(x) %p; y"
    assert syntax.TEXT_CHECKS["sysctl_value"](value) == value
    with pytest.raises(BuilderError):
        syntax.TEXT_CHECKS["sysctl_value"]("10\nvm.swappiness = 100")


def test_a_refusal_names_the_value_its_kind_and_what_is_allowed() -> None:
    with pytest.raises(BuilderError) as caught:
        syntax.TEXT_CHECKS["module"]("ixgbe; reboot")
    assert caught.value.message == "'ixgbe; reboot' cannot be written as a kernel module name"
    assert caught.value.hint == "allowed: [A-Za-z0-9_-]+"


def test_a_final_line_end_is_not_overlooked() -> None:
    with pytest.raises(BuilderError):
        syntax.interface("ens11f0\n")


def test_grub_words_are_quoted_only_where_grub_would_change_them() -> None:
    words = ("quiet", "pci=resource_alignment=20@00:01.0;20@00:02.0", "dyndbg=file*")
    text = syntax.grub_words(words)
    assert text == "quiet 'pci=resource_alignment=20@00:01.0;20@00:02.0' 'dyndbg=file*'"
    assert tuple(shlex.split(text)) == words


@given(st.lists(st.from_regex(r"[A-Za-z0-9_.-]+(=[A-Za-z0-9_.,:;@/+*%=-]*)?", fullmatch=True)))
def test_grub_words_survive_shell_and_grub(words: list[str]) -> None:
    settings = shlex.split(f'X="{syntax.grub_words(tuple(words))}"')
    assert shlex.split(settings[0].removeprefix("X=")) == words


@given(st.text())
def test_a_comment_is_nothing_but_comment(text: str) -> None:
    lines = syntax.comment(text).split("\n")
    assert all(line.startswith("# ") for line in lines)
    assert not any(line.endswith("\\") for line in lines)


def test_comments_are_wrapped_and_indented() -> None:
    assert syntax.comment("word " * 30, 4).split("\n") == [
        "    # " + " ".join(["word"] * 18),
        "    # " + " ".join(["word"] * 12),
    ]


def test_a_reason_cites_keys_and_no_lines() -> None:
    origins = tuple(
        Origin(path, Location("inventory.yaml", 41, 7))
        for path in (("profiles", "nfv", "sriov", 0), ("profiles", "nfv"), ("profiles", "nfv"))
    )
    why = Why("for pods", origins)
    assert syntax.reason(why) == "# for pods [profiles.nfv.sriov[0], profiles.nfv]"
    assert syntax.named_reason(why, "iommu").startswith("# iommu: for pods [")
    assert syntax.reason(Why("always")) == "# always"


@given(st.lists(st.text()) | st.text() | st.booleans() | st.integers())
def test_yaml_values_are_json(value: object) -> None:
    assert json.loads(syntax.yaml(value)) == value


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        # What `systemd-escape --path` prints.
        ("/dev/hugepages1G", "dev-hugepages1G"),
        ("/dev/hugepages-1G", "dev-hugepages\\x2d1G"),
        ("/", "-"),
        ("//srv//.a b/", "srv-.a\\x20b"),
        ("/.hidden", "\\x2ehidden"),
        ("/ü", "\\xc3\\xbc"),
    ],
)
def test_escape_path(path: str, unit: str) -> None:
    assert syntax.escape_path(path) == unit
