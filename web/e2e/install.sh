#!/bin/sh
# Installs what the tests need and this machine lacks: Debian's Chromium with its driver, a C compiler, node with npm, Xvfb, and fonts for
# the Chinese pages. As root on Debian it installs them; elsewhere it says what is missing and fails. If node is older than Vite
# and the tests need, it puts a newer one into build/node, which comes first in the PATH of the Makefile.
set -eu
cd "$(dirname "$0")/../.."
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
[ -n "${CHROMIUM:-}" ] || [ -x /usr/lib/chromium/chromium ] || missing="$missing chromium"
[ -n "${CHROMIUM:-}" ] || need chromedriver chromium-driver
need cc gcc
[ -e /usr/include/stdio.h ] || missing="$missing libc6-dev"
[ -e /usr/include/linux/usbdevice_fs.h ] || missing="$missing linux-libc-dev"
need node nodejs
need npm npm
need Xvfb xvfb
if command -v fc-list >/dev/null 2>&1 && fc-list :lang=zh family 2>/dev/null | grep -q .; then :; else missing="$missing fonts-noto-cjk fontconfig"; fi
if [ -z "$missing" ]; then
	:
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing$missing" >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >&2
else
	echo "The tests need, as Debian packages:$missing" >&2
	echo "As root: apt-get install --no-install-recommends$missing" >&2
	echo "Another Chromium than Debian's: CHROMIUM=/path/to/chromium make test" >&2
	exit 1
fi

# Two web servers, for the test of examples/hosting. They are unpacked and not installed, so that no service starts. Without them, on
# another system, that test is skipped and says so.
if command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 && [ ! -e build/servers/done ]; then
	rm -rf build/servers
	mkdir -p build/servers
	if (cd build/servers && apt-get download -qq -o APT::Sandbox::User=root nginx nginx-common caddy >/dev/null 2>&1); then
		for package in build/servers/*.deb; do dpkg -x "$package" build/servers; done
		rm build/servers/*.deb
		touch build/servers/done
	fi
fi

major() { node -p 'process.versions.node.split(".")[0]'; }
if [ "$(major)" -lt 20 ]; then
	echo "installing node 22 into build/node" >&2
	mkdir -p build/node
	cp .ci/node/package.json .ci/node/package-lock.json build/node
	(cd build/node && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund) >&2
	[ -e build/node/node_modules/.bin/node ] || { echo "The tests need node 20 or newer" >&2; exit 1; }
fi
