"""Images: from a list of packages and a rendered tree to disks that boot by BIOS and UEFI."""
