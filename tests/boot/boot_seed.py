"""The host that is built and booted here."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "examples/seed/inventory.yaml"
HOST = "nfv1"
TIMEOUT_S = 900.0
