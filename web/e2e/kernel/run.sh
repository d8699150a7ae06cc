#!/bin/sh
# run.sh BINARY [ARGUMENT …]: runs a test binary as root in a temporary guest with Debian's kernel, vhci-hcd, usbip client and
# udev, and with this machine's files and Chromium. The binary runs in the folder in which run.sh was called. What it writes
# into $IMKEY_OUT is in build/kernel/out afterwards. The exit code is that of the binary. It is 77 if no guest can run here;
# then the last line is the reason. Run install.sh first.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
where=$(pwd)
[ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -gt 2600 ] || { echo 'less than 2.6 GB of memory are free'; exit 77; }
PATH=$PATH:/usr/sbin:/sbin
for root in "$top"/build/kernel/linux-image-*; do :; done # the newest
[ -e "$root/complete" ] || { echo 'install.sh has not been run'; exit 77; }

run=$(mktemp -d "$top/build/kernel/run.XXXXXX")
guest=
trap 'trap - EXIT; [ -z "$guest" ] || { kill "$guest" 2>/dev/null && wait "$guest" 2>/dev/null || :; }; rm -rf "$run"' EXIT
trap 'exit 130' INT TERM HUP

mkdir "$run/out" "$run/out/seen"
cp "$here/guest.sh" "$run/out/guest.sh"
cp "$1" "$run/out/binary"
shift
{ for argument; do printf '%s\n' "$argument"; done; } >"$run/out/arguments"
printf '%s\n' "$where" >"$run/out/folder"
sh "$here/initrd.sh" "$root/image" "$run/initrd"

# Some virtual machines have a /dev/kvm in which Debian's kernel does not boot, so the processor must report virtualisation.
# QEMU 7.2 emulates both processors in one thread. With a thread for each, Chromium's page process crashed in most runs: it ran code of
# WebAssembly in a page of memory that its collector of unused code had given back.
accelerator=tcg,thread=single processor=Nehalem
if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then accelerator=kvm processor=host; fi
echo "booting $(basename "$root") in QEMU ($accelerator)" >&2
share() { echo "-fsdev local,id=$1,path=$2,security_model=none,multidevs=remap$3 -device virtio-9p-pci,fsdev=$1,mount_tag=$1"; }
# The processor is a simple one, since emulation is slow. There is no network.
timeout -s KILL "${GUEST_TIMEOUT:-2400}" qemu-system-x86_64 -M q35 -accel "$accelerator" -cpu "$processor" -smp 2 -m 2048 \
	-nodefaults -no-user-config -nic none -display none -no-reboot -serial stdio \
	-kernel "$root"/image/boot/vmlinuz-* -initrd "$run/initrd" \
	-append 'console=ttyS0 quiet panic=-1 tsc=reliable mitigations=off' \
	$(share host / ,readonly=on) $(share layer "$root/layer" ,readonly=on) $(share out "$run/out" '') \
	-device virtio-rng-pci </dev/null &
guest=$!
wait "$guest" || :
guest=
rm -rf "$top/build/kernel/out"
mv "$run/out/seen" "$top/build/kernel/out"
[ -s "$run/out/exit" ] || { echo 'the guest ended without an exit code' >&2; exit 1; }
exit "$(cat "$run/out/exit")"
