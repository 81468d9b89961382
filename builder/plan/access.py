"""Access as a plan: users with keys and hashes, and secrets as references a node follows."""

from __future__ import annotations

from builder.diagnostics import Marks
from builder.model.inventory import Inventory
from builder.plan.inputs import origin
from builder.plan.nouns.host import AccessPlan, SecretPlan, UserPlan
from builder.plan.nouns.why import Why


def plan_access(inventory: Inventory, marks: Marks, hostname: str) -> AccessPlan:
    """What `hostname` has of the inventory's access: all of it, with its own name in addresses."""
    return AccessPlan(
        users=tuple(
            UserPlan(
                name=name,
                ssh_keys=user.ssh_keys,
                password_hash=user.password_hash,
                sudo=user.sudo,
                groups=user.groups,
                why=Why("set in the inventory", (origin(marks, ("access", "users", name)),)),
            )
            for name, user in inventory.access.users.items()
        ),
        secrets=tuple(
            SecretPlan(
                name=name,
                url=secret.url.replace("{hostname}", hostname),
                path=secret.path,
                mode=secret.mode,
                why=Why("set in the inventory", (origin(marks, ("access", "secrets", name)),)),
            )
            for name, secret in inventory.access.secrets.items()
        ),
    )
