"""What is set of a VF through its port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

VfValue = str | int | bool


@dataclass(frozen=True, slots=True)
class VfSettings:
    """How a PF's kernel driver sets up one of its VFs; None: as it is by itself."""

    mac: str | None = None
    # 0: none.
    vlan: int | None = None
    trust: bool | None = None
    spoofchk: bool | None = None
    # Mbit/s; 0: no limit, nothing promised.
    max_tx_rate: int | None = field(default=None, metadata={"unit": "Mbit/s"})
    min_tx_rate: int | None = field(default=None, metadata={"unit": "Mbit/s"})
    # auto: the port's; enable: always up; disable: always down.
    link_state: str | None = None

    def by_name(self) -> dict[VfSetting, VfValue | None]:
        """All of them, as the inventory names them: `max-tx-rate`."""
        return {name: getattr(self, part) for name, part in VF_SETTINGS.items()}

    def given(self) -> dict[VfSetting, VfValue]:
        """Those that are not left as they are."""
        return {name: value for name, value in self.by_name().items() if value is not None}


# The name of one in the inventory.
VfSetting = str
VF_SETTINGS: Mapping[VfSetting, str] = {
    part.name.replace("_", "-"): part.name for part in fields(VfSettings)
}
UNITS: Mapping[VfSetting, str] = {
    part.name.replace("_", "-"): part.metadata["unit"]
    for part in fields(VfSettings)
    if "unit" in part.metadata
}
