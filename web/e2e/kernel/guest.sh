#!/bin/sh
# Runs in the guest, whose root has the files of this machine: starts what a Linux desktop runs, runs the test binary, and
# powers off.
export PATH=/usr/sbin:/usr/bin HOME=/run/tmp TMPDIR=/run/tmp LANG=C.UTF-8
say() { read -r seconds _ </proc/uptime; echo "[guest, second ${seconds%.*}] $*"; }
# The active user of the seat, in the form of systemd-logind: udev gives that user the devices with the tag uaccess.
mkdir -p /run/udev /run/systemd/seats
printf 'IS_SEAT0=1\nACTIVE=c1\nACTIVE_UID=%s\n' 65534 >/run/systemd/seats/seat0
/lib/systemd/systemd-udevd --daemon
say "$(uname -r), $(usbip version)"
cd "$(cat /run/out/folder)"
mkdir -p /run/out/seen
set --
while IFS= read -r argument; do set -- "$@" "$argument"; done </run/out/arguments
IMKEY_OUT=/run/out/seen IMKEY_BUS=kernel /run/out/binary "$@"
code=$?
say "exit $code"
echo $code >/run/out/exit
sync
echo o >/proc/sysrq-trigger
while :; do :; done # the kernel panics if the first process ends
