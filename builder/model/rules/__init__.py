"""The rules: what a well-formed inventory must also be, each under a stable name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from builder.diagnostics import Diagnostic, Marks
from builder.model.inventory import Inventory
from builder.model.rules import (
    addressing,
    binding,
    cpus,
    drivers,
    hosts,
    hugepages,
    isolation,
    kernel,
    nics,
    ovs,
    ovs_options,
    sriov,
    vf_settings,
)

Rule = Callable[[Inventory, Marks], Iterable[Diagnostic]]

RULES: dict[str, Rule] = {
    "cpu-any": cpus.check_any_cpu,
    "cpu-on-one-node": cpus.check_on_one_node,
    "cpu-siblings-or-threads": cpus.check_siblings_or_threads,
    "cpu-siblings-complete": cpus.check_siblings_complete,
    "cpu-siblings-on-one-node": cpus.check_siblings_on_one_node,
    "cpu-threads-exist": cpus.check_threads_exist,
    "cpu-threads-once": cpus.check_threads_once,
    "nic-pci-once": nics.check_pci_once,
    "nic-name-once": nics.check_name_once,
    "nic-model-known": nics.check_model_known,
    "nic-kernel-driver": nics.check_kernel_driver,
    "nic-numa-exists": nics.check_numa_exists,
    "nic-numa-given": nics.check_numa_given,
    "role-listed-or-counted": isolation.check_listed_or_counted,
    "role-cpus-exist": isolation.check_cpus_exist,
    "role-cpus-apart": isolation.check_roles_apart,
    "role-offline-apart": isolation.check_offline_apart,
    "role-offline-boot-cpu": isolation.check_offline_boot_cpu,
    "role-smt-siblings": isolation.check_smt_off_has_siblings,
    "role-whole-cores": isolation.check_whole_cores,
    "role-boot-cpu": isolation.check_boot_cpu,
    "role-housekeeping-fits": isolation.check_housekeeping_fits,
    "role-housekeeping-somewhere": isolation.check_housekeeping_somewhere,
    "role-offline-cores-fit": isolation.check_offline_cores_fit,
    "role-pods-remain": isolation.check_pods_remain,
    "role-nodes-exist": isolation.check_nodes_exist,
    "pmd-cores-fit": isolation.check_pmd_cores_fit,
    "pmd-for-each-port": isolation.check_ports_have_pmd,
    "pmd-has-ports": isolation.check_pmd_has_ports,
    "pmd-wants-ovs": isolation.check_pmd_wants_ovs,
    "hugepages-any": hugepages.check_any_page,
    "hugepages-nodes-exist": hugepages.check_nodes_exist,
    "hugepages-even": hugepages.check_even_spread,
    "hugepages-size-once": hugepages.check_size_once,
    "hugepages-1g": hugepages.check_1g_pages,
    "sriov-pf-known": sriov.check_pf_known,
    "sriov-pf-once": sriov.check_pf_once,
    "sriov-capable": sriov.check_capable,
    "sriov-num-vfs": sriov.check_num_vfs,
    "sriov-bifurcated": sriov.check_bifurcated,
    "sriov-pool-one-kind": sriov.check_pool_one_kind,
    "vf-index": sriov.check_vf_index,
    "vf-one-use": sriov.check_vf_one_use,
    "vf-has-use": sriov.check_vf_has_use,
    "vf-for-ovs-driver": sriov.check_vf_for_ovs_driver,
    "vf-for-ovs-used": sriov.check_vf_for_ovs_used,
    "vf-rates": vf_settings.check_rates,
    "vf-driver-can": vf_settings.check_driver_can,
    "vf-switchdev": vf_settings.check_switchdev_settings,
    "vf-switchdev-ovs": vf_settings.check_eswitch_on_userspace,
    "sriov-switchdev": vf_settings.check_switchdev,
    "ovs-mtu": vf_settings.check_mtu,
    "vf-interrupts": binding.check_vf_interrupts,
    "binding-secure-boot": binding.check_secure_boot,
    "binding-bifurcated": binding.check_bifurcated_port,
    "ovs-nic-or-vf": ovs.check_nic_or_vf,
    "ovs-nic-known": ovs.check_nic_known,
    "ovs-vf-known": ovs.check_vf_known,
    "ovs-vf-for-ovs": ovs.check_vf_for_ovs,
    "ovs-device-once": ovs.check_device_once,
    "ovs-names-once": ovs.check_names_once,
    "ovs-bridge-is-no-nic": ovs.check_bridge_is_no_nic,
    "ovs-two-roles": ovs.check_two_roles,
    "ovs-option-known": ovs_options.check_key_known,
    "ovs-option-derived": ovs_options.check_not_derived,
    "ovs-option-value": ovs_options.check_values,
    "ovs-memory-once": ovs_options.check_memory_once,
    "ovs-rxq-isolate": ovs_options.check_rxq_isolate,
    "ovs-auto-lb": ovs_options.check_auto_lb,
    "driver-used": drivers.check_driver_used,
    "driver-has-max-vfs": drivers.check_has_max_vfs,
    "driver-max-vfs-form": drivers.check_max_vfs_form,
    "driver-max-vfs-limit": drivers.check_max_vfs_limit,
    "driver-max-vfs-once": drivers.check_max_vfs_once,
    "driver-max-vfs-agrees": drivers.check_max_vfs_agrees,
    "driver-one-number": drivers.check_one_number,
    "driver-other-ports": drivers.check_other_ports,
    "kernel-args-derived": kernel.check_args_derived,
    "kernel-args-keep-cpus": kernel.check_args_keep_cpus,
    "kernel-args-of-image": kernel.check_args_of_image,
    "kernel-args-once": kernel.check_args_once,
    "sysctl-hugepages": kernel.check_sysctl_hugepages,
    "hardware-used": hosts.check_hardware_used,
    "profile-used": hosts.check_profile_used,
    "host-hardware-known": hosts.check_hardware_known,
    "host-profile-known": hosts.check_profile_known,
    "host-interface-known": hosts.check_interface_known,
    "host-interface-not-in-ovs": ovs.check_interface_not_in_ovs,
    "host-interface-mtu": vf_settings.check_interface_mtu,
    "host-rack-known": hosts.check_rack_known,
    "rack-used": hosts.check_rack_used,
    "host-management": hosts.check_management,
    "host-management-address": addressing.check_management_address,
    "host-boot-mac": hosts.check_boot_mac,
    "host-identity-once": hosts.check_identity_unique,
    "host-vf-mac-once": hosts.check_vf_mac_unique,
    "host-vf-mac-own": hosts.check_vf_mac_own,
    "host-dhcp-or-fixed": addressing.check_dhcp_or_fixed,
    "host-gateway": addressing.check_gateway,
    "host-rack-gateway": addressing.check_rack_gateway,
    "host-one-gateway": addressing.check_one_gateway,
}

# Over the sound half of a faulty file these would say what is not so.
NEEDS_WHOLE_FILE = frozenset({"hardware-used", "profile-used", "rack-used"})


def check_rules(inventory: Inventory, marks: Marks, *, complete: bool) -> list[Diagnostic]:
    """All findings, each with the name of its rule."""
    return [
        replace(finding, rule=name)
        for name, rule in RULES.items()
        if complete or name not in NEEDS_WHOLE_FILE
        for finding in rule(inventory, marks)
    ]
