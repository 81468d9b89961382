"""Virtual functions by their id or driver, also those of ports that the NIC table does not have."""

from __future__ import annotations

import re

from builder.catalog.modules import module_name
from builder.catalog.nics import VF_TYPES

# The PCI tables of Linux's drivers/net/ethernet: igb, ixgbevf, iavf and idpf (with those Hyper-V
# has), mlx4 and mlx5, bnxt_en and bnx2x, qede, cxgb4vf, sfc, enic, hns3, hinic, nfp.
_IDS = (
    "8086:(10ca|152d|1520|152f|10ed|152e|1515|1530|1565|1564|15a8|15a9|15c5|15b4|154c|1571|37cd"
    "|1889|145c|15a5)"
    "|15b3:(1002|1004|1012|1014|1016|1018|101a|101c|101e|a2d3)"
    "|14e4:(1606|1609|16c1|16cb|16d3|16dc|16e1|16e5|1806|1807|1808|1809|d800|16a9|16ad|16af|163f)"
    "|1077:(1664|8090)"
    "|1425:[456]8[0-9a-f]{2}"
    "|1924:(1803|1a03|1b03)"
    "|1137:0071"
    "|19e5:(a22e|a22f|375e|379e)"
    "|19ee:6003"
)
# Drivers of nothing else.
_DRIVERS = frozenset(
    {
        "cxgb4vf",
        "fsl_enetc_vf",
        "hclgevf",
        "i40evf",
        "iavf",
        "igbvf",
        "ixgbevf",
        "liquidio_vf",
        "nfp_netvf",
        "nicvf",
        "octeon_ep_vf",
        "rvu_nicvf",
        "thunder_nicvf",
    }
)


def is_virtual_function(device_id: str, driver: str | None) -> bool:
    """Whether a PCI function with this id, or bound to this driver, is a VF."""
    return (
        device_id in VF_TYPES
        or re.fullmatch(_IDS, device_id) is not None
        or module_name((driver or "").lower()) in _DRIVERS
    )
