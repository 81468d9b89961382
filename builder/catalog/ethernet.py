"""Ethernet's own numbers (IEEE 802.3)."""

from __future__ import annotations

# Largest payload of a frame that is no jumbo frame: the MTU of a port nobody sets one of.
ETHERNET_MTU = 1500
