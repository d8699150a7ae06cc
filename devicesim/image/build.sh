#!/bin/sh
# Writes build/imkey-connect-testing-VERSION.oci.tar: an OCI image with Chromium, chromedriver, the simulator, node and Selenium Grid. It takes
# Debian's packages and Selenium's from npm, and no image of a registry. It runs nothing in a container. Needs make pack before it.
# The same build/image/debian.tar and the same package make the same bytes: all times are SOURCE_DATE_EPOCH, that of the last commit.
set -eu
cd "$(dirname "$0")/../.."
need() { command -v "$1" >/dev/null 2>&1 || { echo "make image needs $2. As root: apt-get install --no-install-recommends mmdebstrap buildah crun" >&2; exit 1; }; }
need mmdebstrap mmdebstrap
builder="$(command -v buildah || command -v podman)" || need buildah 'buildah or podman'
suite="${SUITE:-trixie}"
packages=chromium,chromium-driver,nodejs,default-jre-headless,fonts-liberation,ca-certificates,tini
selenium=4.20.0
out=build/image
mkdir -p "$out"
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH

package="$(ls build/imkey-connect-testing-[0-9]*.tgz)" || { echo 'make image needs make pack' >&2; exit 1; }
version="$(basename "$package" .tgz | sed 's/.*testing-//')"

# Debian, which stays until the list of packages changes.
if [ "$(cat "$out/debian.txt" 2>/dev/null)" != "$suite $packages" ]; then
	rm -f "$out/debian.txt"
	mmdebstrap --variant=minbase --aptopt='APT::Install-Recommends "false"' --include="$packages" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$out/debian.tar"
	echo "$suite $packages" >"$out/debian.txt"
fi

# Selenium's jar, with the hash of the example's lock file.
jar="$out/selenium-server-$selenium.tgz"
[ -e "$jar" ] || (cd "$out" && npm pack --silent "@nightwatch/selenium-server@$selenium" >packed.txt && mv "$(cat packed.txt)" "$(basename "$jar")" && rm packed.txt)
node -e '
const [lock, file] = process.argv.slice(1), { readFileSync } = require("fs")
const wanted = JSON.parse(readFileSync(lock)).packages["node_modules/@nightwatch/selenium-server"].integrity
const got = "sha512-" + require("crypto").createHash("sha512").update(readFileSync(file)).digest("base64")
if (got !== wanted) throw new Error(`${file} has the hash ${got} instead of ${wanted}`)' examples/grid/package-lock.json "$jar"

# This project's files.
files="$out/files"
rm -rf "$files"
mkdir -p "$files/opt/imkey" "$out/package"
tar xzf "$package" -C "$out/package" --strip-components=1
for file in imkeysim imkeysim-browser usbip_preload.so LICENSE; do
	cp "$out"/package/node_modules/imkey-connect-testing-linux-"$(node -p process.arch)/$file" "$files/opt/imkey/"
done
tar xzf "$jar" -C "$files/opt/imkey" --strip-components=2 "package/lib/selenium-server-$selenium.jar"
mv "$files/opt/imkey/selenium-server-$selenium.jar" "$files/opt/imkey/selenium-server.jar"
IMKEY_NO_SANDBOX=1 node -e "import('$PWD/$out/package/webdriver.js').then((w) => process.stdout.write(w.gridNode({ sessions: 4, browser: '/opt/imkey/imkeysim-browser' })))" \
	>"$files/opt/imkey/node.toml"
cp devicesim/image/imkey-grid "$files/opt/imkey/"
chmod -R u=rwX,go=rX "$files" # whatever the umask is
chmod 755 "$files"/opt/imkey/imkeysim "$files"/opt/imkey/imkeysim-browser "$files"/opt/imkey/imkey-grid
tar cf "$out/files.tar" --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --sort=name -C "$files" opt
rm -rf "$files" "$out/package"

image="localhost/imkey-connect-testing:$version"
archive="build/imkey-connect-testing-$version.oci.tar"
storage="--root $PWD/$out/storage --storage-driver vfs"
rm -rf "$archive" "$out/oci"
# shellcheck disable=SC2086 # storage is a list of options
"$builder" $storage build --format oci --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --tag "$image" --file devicesim/image/Containerfile "$out" >&2
# shellcheck disable=SC2086
"$builder" $storage push --quiet "$image" "oci:$out/oci:$image"
# shellcheck disable=SC2086
"$builder" $storage rmi --force "$image" >/dev/null
tar cf "$archive.part" --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --sort=name -C "$out/oci" .
mv "$archive.part" "$archive" # so that what is there is whole
rm -rf "$out/oci"
echo "$archive: $(($(stat -c %s "$archive") / 1000000)) MB, of Debian $suite"
