"""Options of DPDK's EAL that Open vSwitch's dpdk-extra may hold, and what Open vSwitch makes of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

# Keys of other_config that Open vSwitch makes an EAL option of (lib/dpdk.c). Given in dpdk-extra
# too, as a word of its own, it says "Ignoring database defined option"; `--socket-mem=1024` it
# does not see, and EAL gets both; -l with the key's -c ends EAL (Open vSwitch 3.1, DPDK 22.11).
EAL_OPTION_KEYS = {
    "-c": "dpdk-lcore-mask",
    "-l": "dpdk-lcore-mask",
    "--lcores": "dpdk-lcore-mask",
    "--socket-mem": "dpdk-socket-mem",
    "-m": "dpdk-alloc-mem",
    "--socket-limit": "dpdk-socket-limit",
    "--huge-dir": "dpdk-hugepage-dir",
}

# Options with which DPDK does not start as planned: what is wrong, and what to do. The first
# two stand in Debian's README of openvswitch-switch-dpdk, and no EAL has them; -w is
# gone from lib/eal/common/eal_common_options.c of 22.11, and was deprecated in 20.11.
_NO_OPTION = "EAL has no such option, so DPDK does not start"
EAL_OPTIONS_REFUSED = {
    "--vhost-owner": (_NO_OPTION, "remove it"),
    "--vhost-perm": (_NO_OPTION, "remove it"),
    "-w": (_NO_OPTION, "use -a instead"),
    "--pci-whitelist": (_NO_OPTION, "use --allow instead"),
    "--main-lcore": (
        "Open vSwitch gives EAL a single lcore, so DPDK does not start with another one",
        "remove it",
    ),
    "--no-pci": ("the ports are PCI devices, and DPDK would ignore all PCI devices", "remove it"),
    "--no-huge": (
        "Open vSwitch allocates its memory from hugepages (dpdk-socket-mem)",
        "remove it",
    ),
}


def eal_options(text: str) -> Iterator[tuple[str, str]]:
    """Options of dpdk-extra with their values, `-a0000:09:00.0` and `--allow=...` split too."""
    words = _split(text)
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        value = "" if following.startswith("-") else following
        if word.startswith("--"):
            name, equals, own = word.partition("=")
            yield name, own if equals else value
        elif word.startswith("-") and len(word) > 1:
            yield word[:2], word[2:].removeprefix("=") or value


def _split(text: str) -> list[str]:
    """Quotes group words, as in svec_parse_words() of lib/svec.c."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
