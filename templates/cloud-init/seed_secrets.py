#!/usr/bin/python3 -BES
# SPDX-License-Identifier: Apache-2.0
"""Fetches the secrets a node is to have, each once.

By itself it is a program of an image made for its host, which has no bundle.
"""

from __future__ import annotations

import http.client
import json
import sys
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from rackwright_seed import Failed, Node, again, replace, say

TIMEOUT_S = 60.0


def fetch_secrets(node: Node) -> None:
    for secret in node.order["secrets"]:
        if not node.has(f"secret-{secret['name']}"):
            again(f"secret {secret['name']}", partial(fetch, node, secret))
            node.stamp(f"secret-{secret['name']}")


class StayPrivate(urllib.request.HTTPRedirectHandler):
    """urllib follows a redirect from https to http, where the secret can be read on the way."""

    def redirect_request(self, *args: Any) -> urllib.request.Request | None:
        if not args[-1].startswith("https://"):
            raise Failed("the server redirects to an address that is not https")
        return super().redirect_request(*args)


def fetch(node: Node, secret: dict[str, str]) -> None:
    """To its file; what it is never reaches the journal or the bundle."""
    opener = urllib.request.build_opener(StayPrivate)
    try:
        with opener.open(secret["url"], timeout=TIMEOUT_S) as answer:
            content = answer.read()
    except http.client.HTTPException as fault:
        raise Failed(f"the answer did not arrive whole: {type(fault).__name__}") from fault
    if not content:
        raise Failed("the answer is empty")
    replace(node.root / secret["path"].lstrip("/"), content, int(secret["mode"], 8), "root:root")


def main(path: Path, root: Path = Path("/")) -> int:
    """path: of a list of secrets, with its id."""
    try:
        fetch_secrets(Node(root, json.loads(path.read_text()), {}))
    except (Failed, OSError, ValueError, KeyError) as fault:
        say(f"failed: {fault}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
