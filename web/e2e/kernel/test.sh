#!/bin/sh
# Runs the same test binary over a WebSocket, over preload and on a Linux kernel's USB stack, and prints a table of the
# differences. If no guest can run here, the last line is "SKIP: reason", and the exit code is 0.
set -eu
cd "$(dirname "$0")/.."
top=$(cd ../.. && pwd)
GO=${GO:-go}
mkdir -p "$top/build/kernel"
# unable prints SKIP and exits with 0 if the exit code was 77, whose reason is the last line of the log.
unable() {
	if [ "$1" = 77 ]; then
		echo "SKIP: $(tail -n 1 "$top/build/kernel/log")"
		exit 0
	fi
	exit "$1"
}
sh install.sh || { echo 'SKIP: this machine lacks what the tests need, see above'; exit 0; }
code=0
sh kernel/install.sh >"$top/build/kernel/log" || code=$?
[ "$code" = 0 ] || unable "$code"
binary=$top/build/kernel/e2e.test
"$GO" test -c -o "$binary" ./buses
rm -rf "$top/build/kernel/seen" "$top/build/kernel/failed"
began=$(date +%s)
IMKEY_OUT=$top/build/kernel/seen "$binary" -test.run '^TestBuses$'
echo "over a WebSocket and preload: $(($(date +%s) - began)) s" >&2
began=$(date +%s)
{ sh kernel/run.sh "$binary" -test.v -test.timeout 38m -test.run '^TestBuses$' || echo $? >"$top/build/kernel/failed"; } | tee "$top/build/kernel/log"
[ ! -e "$top/build/kernel/failed" ] || code=$(cat "$top/build/kernel/failed")
[ "$code" = 0 ] || unable "$code"
echo "on Debian's kernel: $(($(date +%s) - began)) s" >&2
"$GO" run ./cmd/buses -want websocket,preload,kernel "$top/build/kernel/seen" "$top/build/kernel/out"
