"""What is known of a base, where a test needs one and not what it says."""

from __future__ import annotations

from builder.targets.image.accounts import Accounts
from builder.targets.image.cached_base import BaseFacts

FACTS = BaseFacts(
    "b" * 64,
    "r" * 64,
    "6.12",
    "uuid",
    44040192,
    2**20,
    "ID=debian\n",
    7,
    (("apt", "3.0"),),
    Accounts({}, {}),
)
