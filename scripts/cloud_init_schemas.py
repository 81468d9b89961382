"""Trims one of cloud-init's own schemas to what a bundle holds, from its package to stdout.

dpkg-deb --extract cloud-init_25.1.4-1+deb13u1_all.deb DIR
python scripts/cloud_init_schemas.py DIR/usr/lib/python3/dist-packages/cloudinit/config/schemas/\
schema-cloud-config-v1.json > schema/cloud-init/cloud-config-25.1.4.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# The top-level keys of our user-data and network-config. A schema refuses the other ones once it
# names these alone, so a bundle cannot get a key that nothing checks.
USER_DATA = {
    "bootcmd",
    "fqdn",
    "hostname",
    "manage_etc_hosts",
    "power_state",
    "prefer_fqdn_over_hostname",
    "ssh_deletekeys",
    "ssh_pwauth",
    "users",
    "write_files",
}
NETWORK_CONFIG = {"version", "ethernets"}
NETWORK = "network_config_version2"
# What validates nothing: texts, and what cloud-init's documentation and warnings are made from.
NOTES = re.compile(
    r"(changed|deprecated|new)(_version|_description)?|default|description|hidden|label"
)


def trim(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without modules none of our keys belongs to, what only they use, and notes."""
    out: dict[str, Any] = _without_notes(schema)
    parts = out.pop("$defs")
    if "allOf" in out:
        out["allOf"] = [one for one in out["allOf"] if USER_DATA & _keys(parts[_name(one)])]
    for holder, keys in ((out, USER_DATA), (parts.get(NETWORK, {}), NETWORK_CONFIG)):
        if "properties" in holder:
            holder["properties"] = {k: v for k, v in holder["properties"].items() if k in keys}
    used = _used(out, parts)
    return {
        "$schema": out.pop("$schema"),
        "$defs": {k: parts[k] for k in parts if k in used},
        **out,
    }


def _without_notes(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_notes(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: item
        for key, item in node.items()
        if isinstance(item, dict) or not NOTES.fullmatch(key)
    }
    return {key: _without_notes(item) for key, item in kept.items()}


def _keys(part: dict[str, Any]) -> set[str]:
    return set(part.get("properties", {}))


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].removeprefix("#/$defs/")


def _used(root: dict[str, Any], parts: dict[str, Any]) -> set[str]:
    """Names of the parts that `root` refers to, and those they refer to."""
    found: list[str] = list(_references(root))
    for name in found:
        found += [other for other in _references(parts[name]) if other not in found]
    return set(found)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield _name(node)
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _references(item)


def main(argv: list[str]) -> int:
    (path,) = argv
    schema = json.loads(Path(path).read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps(trim(schema), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
