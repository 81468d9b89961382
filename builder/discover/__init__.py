"""What a machine that runs Linux is, read from its /sys and /proc, as part of an inventory."""
