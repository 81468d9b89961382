export DISTRO_NAME=${DIB_RACKWRIGHT_DISTRO:?}
export DIB_RELEASE=${DIB_RACKWRIGHT_SUITE:?}
# Read by grub-mkimage, mkinitramfs and tar.
export SOURCE_DATE_EPOCH=${DIB_RACKWRIGHT_EPOCH:?}
