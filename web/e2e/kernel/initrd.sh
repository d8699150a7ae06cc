#!/bin/sh
# initrd.sh IMAGE FILE: makes the initial file system for the kernel that is unpacked in IMAGE: a static busybox, and the
# modules that init loads.
set -eu
image=$1 file=$2
PATH=$PATH:/usr/sbin:/sbin
root=$(mktemp -d "$(dirname "$file")/initrd.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/modules"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$(dirname "$0")/init" "$root/init"
chmod +x "$root/init"
# The modules are in the order of their dependencies. A module that is built into the kernel has no file.
for module in virtio_pci virtio-rng 9pnet_virtio 9p overlay usbhid hid-generic vhci-hcd; do
	modprobe -d "$image" -S "$(ls "$image/lib/modules")" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
	cp "$path" "$root/modules/"
	basename "$path" >>"$root/modules/order"
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$file"
