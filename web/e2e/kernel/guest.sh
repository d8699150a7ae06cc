#!/bin/sh
# In the guest, with the host's files as its root: what a Linux desktop has running, then the test binary, then off.
export PATH=/usr/sbin:/usr/bin HOME=/run/tmp TMPDIR=/run/tmp LANG=C.UTF-8
say() { read -r seconds _ </proc/uptime; echo "[guest, second ${seconds%.*}] $*"; }
# The user at the seat, as systemd-logind records it: udev gives them what is tagged uaccess.
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
while :; do :; done # an end of the first process would be a panic
