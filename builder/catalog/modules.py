"""Names of kernel modules."""

from __future__ import annotations


def module_name(name: str) -> str:
    """As the kernel shows it: `-` and `_` are one in it (kmod, libkmod-util.c, modname_normalize())."""
    return name.replace("-", "_")
