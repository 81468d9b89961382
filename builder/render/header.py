"""The first lines of every file we render: who made it, for what, and where to change it.

They name no plan id: it would change every file with any setting, and hide in a diff the
one that did change. The id is in /etc/rackwright/node.json and image-release.
"""

from __future__ import annotations

from builder.plan.nouns.host import HostPlan
from builder.plan.nouns.image import ImagePlan

_EDIT = "Change the inventory, not this file: the next image replaces it."


def image_header(plan: ImagePlan) -> str:
    return f"Made by rackwright for hardware class {plan.hardware}, profile {plan.profile}. {_EDIT}"


def host_header(plan: HostPlan) -> str:
    return f"Made by rackwright for host {plan.hostname}. {_EDIT}"
