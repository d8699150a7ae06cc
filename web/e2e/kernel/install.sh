#!/bin/sh
# Gets what the guest needs and this machine lacks. It installs programs, as root on Debian. It unpacks the kernel, udev and the
# usbip client into build/kernel and does not install them: this machine neither boots nor runs them. If that is impossible, it
# exits with 77, and the last line is the reason.
set -eu
cd "$(dirname "$0")/../../.."
skip() { echo "$*"; exit 77; }

[ "$(uname -sm)" = "Linux x86_64" ] || skip "the guest is Debian's amd64 kernel, this is $(uname -sm)"
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip "the kernel is Debian's, and there is no apt-get here"
PATH=$PATH:/usr/sbin:/sbin
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need qemu-system-x86_64 qemu-system-x86
need busybox busybox-static
need modprobe kmod
need cpio cpio
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] || skip "these Debian packages are missing, and only root can install them:$missing"
	echo "installing$missing" >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >&2 || skip "cannot install$missing"
fi

# The newest kernel that apt knows of.
image() { apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1; }
if [ -z "$(image)" ]; then
	[ "$(id -u)" != 0 ] || apt-get update -qq >&2 || :
	[ -n "$(image)" ] || skip "apt knows of no linux-image-amd64: run apt-get update"
fi
image=$(image)
root=build/kernel/$image
[ ! -e "$root/complete" ] || exit 0

echo "fetching $image, udev and usbip into build/kernel" >&2
rm -rf "$root"
mkdir -p "$root/debs" "$root/image" "$root/layer/usr/bin" "$root/layer/usr/sbin" "$root/layer/usr/lib"
(cd "$root/debs" && apt-get download -qq "$image" udev systemd usbip libwrap0 usb.ids >&2) ||
	skip "cannot download $image and what goes with it: run apt-get update"
# Unpacks only the modules that the guest loads, a fifteenth of the kernel.
dpkg-deb --fsys-tarfile "$root"/debs/linux-image-*.deb | tar -x -C "$root/image" --wildcards \
	'./boot/vmlinuz-*' './lib/modules/*/modules.*' './lib/modules/*/kernel/drivers/virtio/*' './lib/modules/*/kernel/drivers/usb/*' \
	'./lib/modules/*/kernel/drivers/hid/hid*.ko' './lib/modules/*/kernel/drivers/hid/usbhid/*' './lib/modules/*/kernel/drivers/char/hw_random/*' \
	'./lib/modules/*/kernel/net/9p/*' './lib/modules/*/kernel/fs/9p/*' './lib/modules/*/kernel/fs/netfs/*' './lib/modules/*/kernel/fs/fscache/*' \
	'./lib/modules/*/kernel/fs/overlayfs/*'
depmod -b "$root/image" "$(ls "$root/image/lib/modules")"
# The layer lies over this machine's files in the guest, and has the same shape: /bin, /sbin and /lib are links.
for dir in bin sbin lib; do ln -s "usr/$dir" "$root/layer/$dir"; done
for deb in udev usbip libwrap0 usb.ids; do
	dpkg-deb --fsys-tarfile "$root/debs/$deb"_*.deb | tar -x --keep-directory-symlink -C "$root/layer"
done
# Unpacks only systemd's rules that give the active user of the seat the devices with the tag uaccess.
dpkg-deb --fsys-tarfile "$root"/debs/systemd_*.deb | tar -x --keep-directory-symlink -C "$root/layer" --wildcards './lib/udev/rules.d/7*'
rm -rf "$root/debs"
: >"$root/complete"
