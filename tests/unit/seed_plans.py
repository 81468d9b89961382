"""Hosts of the seed's machine as plans, and their seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from builder.plan.nouns.host import HostPlan
from builder.render.tree import FileTree
from builder.resources import read_texts
from builder.targets.cloud_init.order import Booted, Boots
from builder.targets.cloud_init.seed import Seed, make_seeds
from builder.trees import stock_tree_of, tree_of

MAC = "cc:37:ab:e1:21:64"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9mXkqH1rMwpoRBPGcEt0fo6xbLw7MDb9v8q3S8m2pK a@b"
HASH = "$6$abcdefgh$lyDyc6ZbrHUBx0CEGFWxBPzr7k9zcDH0kSsQ7ZaQHGSLuYfHvrhb7QuRmRsYr1bW4oZQwFxC0s"
ACCESS = f"""\
access:
  users:
    admin: {{ssh-keys: ["{KEY}"], password-hash: "{HASH}", sudo: true, groups: [adm]}}
    guest: {{ssh-keys: ["{KEY}"]}}
  secrets:
    join: {{url: "https://vault.example/join/{{hostname}}", path: /etc/rackwright/join.yaml}}
hosts:"""
TEMPLATES = read_texts("templates")
Plans = Callable[..., list[HostPlan]]


def trees_of(plans: list[HostPlan], boots: Boots) -> Mapping[str, FileTree]:
    make = stock_tree_of if boots == "stock" else tree_of
    return {plan.image.plan_id: make(plan.image) for plan in plans}


def seeds_of(
    plans: list[HostPlan], boots: Boots = "golden", mirror: str | None = None
) -> list[Seed]:
    return list(make_seeds(plans, trees_of(plans, boots), Booted(boots, mirror), TEMPLATES))
