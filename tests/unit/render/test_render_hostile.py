"""Hostile text in a plan is refused or inert, wherever a plan holds text."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
import yaml

from builder.errors import BuilderError
from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan
from builder.plan.nouns.kernel import KernelArg, Module, ModuleOption, SysctlSetting
from builder.plan.nouns.ovs import OtherConfig, OvsPlan
from builder.plan.nouns.why import Why
from builder.render import cmdline, render_host, render_image
from builder.render.parse import parse_back
from builder.render.tree import FileTree

Texts = Mapping[str, str]
HOSTILE = (
    "; rm -rf /",
    "$(reboot)",
    "`reboot`",
    "%n%i%H",
    "{{ 7 * 7 }}{% raw %}",
    "a\nExecStartPre=/bin/reboot",
    "a\r\nb",
    "trailing\\",
    '"; reboot; "',
    "'; reboot; '",
    "a b",
    "#",
    "",
)
# What the kernel itself has words with: `pci=a;b`, `pattern=%n*`, `quiet=`.
KERNEL_WORDS = ("1;rm", "%n%i%H", "*", "")
WHY = Why("a reason")


def with_kernel_value(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, kernel_args=(KernelArg("iommu", text, WHY),))


def with_kernel_name(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, kernel_args=(KernelArg(f"x {text}", None, WHY),))


def with_module(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, modules=(Module(text, WHY),))


def with_option_value(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, module_options=(ModuleOption("ixgbe", "max_vfs", text, WHY),))


def with_option_name(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, module_options=(ModuleOption("ixgbe", text, "1", WHY),))


def with_module_file(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, module_files={text: WHY})


def with_sysctl_key(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, sysctls=(SysctlSetting(f"vm.x{text} ", "1", WHY),))


def with_link_name(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, nics=(replace(plan.nics[0], name=text),))


def with_pf_name(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, pfs=(replace(plan.pfs[0], name=text),))


def with_image_name(plan: ImagePlan, text: str) -> ImagePlan:
    return replace(plan, image_name=text)


REFUSED: tuple[Callable[[ImagePlan, str], ImagePlan], ...] = (
    with_kernel_value,
    with_kernel_name,
    with_module,
    with_option_value,
    with_option_name,
    with_module_file,
    with_sysctl_key,
    with_link_name,
    with_pf_name,
    with_image_name,
)


@pytest.fixture
def render(templates: Texts, programs: Texts) -> Callable[[ImagePlan], FileTree]:
    return lambda plan: render_image(plan, templates, programs)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("put", REFUSED)
def test_it_is_refused_where_it_would_be_read_as_syntax(
    put: Callable[[ImagePlan, str], ImagePlan],
    text: str,
    image_plan: ImagePlan,
    render: Callable[[ImagePlan], FileTree],
) -> None:
    if put is with_kernel_value and text in KERNEL_WORDS:
        return
    plan = put(image_plan, text)
    with pytest.raises(BuilderError):
        render(plan)


@pytest.mark.parametrize("text", KERNEL_WORDS)
def test_a_kernel_word_stays_one_word(
    text: str, image_plan: ImagePlan, render: Callable[[ImagePlan], FileTree]
) -> None:
    plan = with_kernel_value(image_plan, text)
    words = ("console=tty0", "console=ttyS0,115200n8", f"iommu={text}")
    assert cmdline(plan) == words
    assert parse_back(render(plan), words) == ()


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip() == text and text])
def test_a_sysctl_value_is_one_value_or_refused(
    text: str, image_plan: ImagePlan, render: Callable[[ImagePlan], FileTree]
) -> None:
    plan = replace(image_plan, sysctls=(SysctlSetting("kernel.core_pattern", text, WHY),))
    if "\n" in text:
        with pytest.raises(BuilderError):
            render(plan)
        return
    file = render(plan).get("/etc/sysctl.d/99-zz-rackwright.conf")
    assert file is not None
    assert file.text.splitlines()[-1] == f"kernel.core_pattern = {text}"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_reason_is_inert_in_every_file(
    text: str, image_plan: ImagePlan, render: Callable[[ImagePlan], FileTree]
) -> None:
    why = Why(f"because {text} of")
    plan = replace(
        image_plan,
        kernel_args=tuple(replace(arg, why=why) for arg in image_plan.kernel_args),
        modules=tuple(replace(item, why=why) for item in image_plan.modules),
        module_options=tuple(replace(item, why=why) for item in image_plan.module_options),
        module_files={"ixgbe": why},
        sysctls=tuple(replace(item, why=why) for item in image_plan.sysctls),
        nics=tuple(replace(item, why=why) for item in image_plan.nics),
        pfs=tuple(replace(item, why=why) for item in image_plan.pfs),
        cpus=replace(image_plan.cpus, why={"housekeeping": why}),
        hardware=f"x {text}",
        profile=f"y {text}",
    )
    tree = render(plan)
    assert parse_back(tree, cmdline(plan)) == ()
    before = {file.path: data_of(file.text) for file in render(image_plan)}
    assert {file.path: data_of(file.text) for file in tree} == before


def data_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("text", HOSTILE)
def test_ovs_settings_are_json_strings(
    text: str, image_plan: ImagePlan, render: Callable[[ImagePlan], FileTree]
) -> None:
    plan = replace(image_plan, ovs=OvsPlan((OtherConfig("dpdk-extra", text, WHY),), ()))
    file = render(plan).get("/etc/rackwright/node.json")
    assert file is not None
    assert json.loads(file.text)["ovs"]["other-config"] == {"dpdk-extra": text}


@pytest.mark.parametrize("text", HOSTILE)
def test_netplan_values_are_yaml_strings(
    text: str, host_plan: HostPlan, templates: Texts, programs: Texts
) -> None:
    interface = replace(
        host_plan.interfaces[0],
        addresses=(f"192.0.2.7/{text}",),
        gateways=(text or "192.0.2.1",),
        nameservers=(text,),
        why=Why(text),
        role="storage",
    )
    tree = render_host(replace(host_plan, interfaces=(interface,)), templates, programs)
    file = tree.get("/etc/netplan/90-rackwright.yaml")
    assert file is not None
    assert yaml.safe_load(file.text)["network"]["ethernets"] == {
        "enp8s0": {
            "dhcp4": True,
            "dhcp-identifier": "mac",
            "dhcp6": False,
            "optional": True,
            "addresses": [f"192.0.2.7/{text}"],
            "routes": [{"to": "default", "via": text or "192.0.2.1"}],
            "nameservers": {"addresses": [text]},
        }
    }
    assert parse_back(tree) == ()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_of_a_hosts_interface_is_refused(
    text: str, host_plan: HostPlan, templates: Texts, programs: Texts
) -> None:
    interface = replace(host_plan.interfaces[0], name=text)
    with pytest.raises(BuilderError):
        render_host(replace(host_plan, interfaces=(interface,)), templates, programs)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_host_name_is_refused(
    text: str, host_plan: HostPlan, templates: Texts, programs: Texts
) -> None:
    with pytest.raises(BuilderError):
        render_host(replace(host_plan, hostname=text), templates, programs)


def test_a_template_in_a_value_is_not_filled(
    image_plan: ImagePlan, render: Callable[[ImagePlan], FileTree]
) -> None:
    plan = replace(image_plan, profile="{{ header.__class__ }}")
    file = render(plan).get("/etc/rackwright/image-release")
    assert file is not None
    assert "profile {{ header.__class__ }}." in file.text.replace("\n# ", " ")


def test_programs_are_copied_whatever_they_hold(
    image_plan: ImagePlan, templates: Texts, programs: Texts
) -> None:
    text = "#!/usr/bin/python3\nprint('{{ x }} %n $(y)')\n"
    file = render_image(image_plan, templates, {**programs, "rackwright-nics.py": text}).get(
        "/usr/lib/rackwright/nics"
    )
    assert file is not None
    assert (file.text, file.mode_text) == (text, "0755")
    assert ast.parse(file.text)
