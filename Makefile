# imkey-connect. `make run` starts the pages with a simulated device. `make test` runs all tests. `make help` lists the targets.

GO    ?= go
# `make tools` puts a newer node here if the machine's own is too old.
export PATH := $(CURDIR)/build/node/node_modules/.bin:$(PATH)
ADDR  ?= localhost:7380
DIST  := web/dist/manifest.json
# As go_js_wasm_exec, but code is optimized only when it has run as long as in a Chromium. Node's own limit is so low that most
# packages spend more time on optimizing than on running.
WASM_EXEC = node --stack-size=8192 --wasm-tiering-budget=10000000 $(shell $(GO) env GOROOT)/lib/wasm/wasm_exec_node.js
# The sources of web/dist: the Go code of imkey.wasm, the TypeScript, the build tool.
SOURCES := $(shell find core bridge wasm web/sdk web/broker web/ui web/apps web/build -type f ! -name '*_test.go' ! -name '*.test.*' ! -path '*/testdata/*' ! -path '*/node_modules/*' 2>/dev/null) go.mod go.sum
# The other Go modules, which only tests need.
MODULES := web/e2e core/ethereum/oracle core/tron/oracle core/cosmos/oracle core/bitcoin/oracle examples/go-test
# The folders with Go sources.
GO_DIRS := bridge core devicesim docs examples wasm web
# The formatter of TypeScript, JavaScript and CSS, and the files that it formats.
OXFMT := web/node_modules/.bin/oxfmt -c web/.oxfmtrc.json
OXFMT_FILES := '{web,examples,devicesim}/**/*.{ts,tsx,js,mjs,css}'

.DELETE_ON_ERROR:
.PHONY: help build run test test-quick test-all buses e2e-kernel soak mutation bench bench-quick pack extension tools check lint vulnerabilities fmt docs testcases clean

# Builds web/dist: all that a site serves. With DEBUG=1 it has names, line tables and source maps; the next build without replaces it.
build: $(if $(DEBUG),debug,$(DIST))

.PHONY: debug
debug:
	@$(GO) run ./web/build/cmd -debug site
	@touch -d @0 $(DIST)

$(DIST): $(SOURCES)
	@echo 'building web/dist; the first time takes a minute or two' >&2
	@$(GO) run ./web/build/cmd site

# Serves the pages and a simulated device on http://localhost:7380, or on ADDR=host:port, and two dApps on the ports behind that.
run: build
	@$(GO) build -o build/imkeysim ./devicesim/cmd/imkeysim
	@exec ./build/imkeysim -addr $(ADDR) -pages -dapps 2

# Writes the npm packages to build/: imkey-connect-VERSION.tgz, and imkey-connect-testing-VERSION.tgz with the simulator for each platform.
# Beside each are its bill of materials and the hashes of both. PROGRAMS=-host builds the simulator for this machine alone.
PROGRAMS ?=
pack: build
	@$(GO) run ./web/build/cmd package
	@$(GO) run ./web/build/cmd $(PROGRAMS) testing

# Writes build/imkey-connect-testing-VERSION.oci.tar: an image with Chromium, the simulator and Selenium Grid, from Debian's packages and without a
# registry of images. SUITE is Debian's.
.PHONY: image
image: PROGRAMS = -host
image: pack
	@sh devicesim/image/build.sh

# Writes the browser extension to build/extension, for "Load unpacked", and to build/imkey-connect-extension-VERSION.zip, for a store.
extension:
	@$(GO) run ./web/build/cmd extension

# Installs what the tests need and a fresh Debian lacks: Chromium, a C compiler, node and npm.
tools:
	@sh web/e2e/install.sh

# The linters collect garbage less often, which takes a quarter of their time otherwise.
check lint: export GOGC := 400

# Checks format, vet, types, linters and the API reference.
check: build lint docs web/node_modules/.package-lock.json
	@files="$$(find $(GO_DIRS) -name node_modules -prune -o -name '*.go' -print | xargs gofmt -l)" && test -z "$$files" || { echo "$$files"; echo 'run make fmt'; exit 1; } >&2
	@$(GO) vet ./...
	@GOOS=js GOARCH=wasm $(GO) vet ./core/... ./bridge/... ./wasm/...
	@for module in $(MODULES); do (cd $$module && $(GO) vet ./...) || exit 1; done
	@$(OXFMT) --list-different $(OXFMT_FILES) || { echo 'run make fmt' >&2; exit 1; }
	@cd web && npx --no-install tsc --noEmit -p .

# The toolchain that go.mod asks for. It has the fixes of the standard library. An older one builds, too, where GOTOOLCHAIN=local.
TOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)

# Runs the linters: staticcheck on Go, natively and for the browser, oxlint on TypeScript, and vulnerabilities.
lint: web/node_modules/.package-lock.json vulnerabilities
	@$(GO) build -modfile=.ci/staticcheck.mod -o build/staticcheck honnef.co/go/tools/cmd/staticcheck
	@build/staticcheck -checks all ./...
	@GOOS=js GOARCH=wasm build/staticcheck -checks all ./core/... ./bridge/... ./wasm/...
	@for module in $(MODULES); do (cd $$module && $(CURDIR)/build/staticcheck -checks all ./...) || exit 1; done
	@cd web && npx --no-install oxlint .

# Compares what Go code imports, also in tests, with the vulnerabilities that are known. Their database is a Go module, too.
vulnerabilities:
	@$(GO) build -modfile=.ci/govulncheck.mod -o build/govulncheck golang.org/x/vuln/cmd/govulncheck
	@test "$$($(GO) env GOVERSION)" = $(TOOLCHAIN) || echo "$$($(GO) env GOVERSION) builds here; govulncheck assumes $(TOOLCHAIN), as go.mod says" >&2
	@$(GO) mod download -modfile=.ci/govulncheck.mod -json golang.org/x/vulndb >build/vulndb.json
	@db="$$(sed -n 's/^.*"Dir": "\(.*\)".*$$/\1/p' build/vulndb.json)/data/osv"; check() { \
			GOTOOLCHAIN=$(TOOLCHAIN) $(CURDIR)/build/govulncheck -scan package -test -db "file://$$db" "$$@" >$(CURDIR)/build/govulncheck.txt || \
				{ cat $(CURDIR)/build/govulncheck.txt >&2; exit 1; }; }; \
		check ./... && (export GOOS=js GOARCH=wasm; check ./core/... ./bridge/... ./wasm/...) && \
		for module in $(MODULES); do (cd $$module && check ./...) || exit 1; done

# Formats Go, TypeScript, JavaScript and CSS.
fmt: web/node_modules/.package-lock.json
	@find $(GO_DIRS) -name node_modules -prune -o -name '*.go' -print | xargs gofmt -w
	@$(OXFMT) $(OXFMT_FILES)

# The compiler, the formatter and the linter of TypeScript.
web/node_modules/.package-lock.json: web/package-lock.json
	@cd web && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund

# Writes the API reference to build/docs. Fails on a symbol without a comment and on a broken link.
docs: build/docs/index.html

build/docs/index.html: $(wildcard web/sdk/types/*.d.ts docs/reference/*.json) web/apps/package/README.md
	@cd docs/reference && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund && npx --no-install typedoc
	@touch $@

# Installs what tests take from npm: the test cases of ethers, the clients that sign with this package, the vendor's own client, MetaMask's keyring packages and test dApp.
testcases:
	@for project in core/ethereum/oracle core/tron/oracle core/cosmos/oracle web/e2e/published/clients web/e2e/published/vendor web/e2e/published/metamask; do \
		(cd $$project && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund) || exit 1; done

# Mozilla's linter for browser extensions. Installing it takes longer than the tests that need npm otherwise.
WEB_EXT := web/build/webext/node_modules/.package-lock.json

$(WEB_EXT): web/build/webext/package-lock.json
	@cd $(@D)/.. && npm ci --loglevel=error --ignore-scripts --no-audit --no-fund

# What waits for npm runs beside the build.
.PHONY: together
together:
	@$(MAKE) --no-print-directory -j4 build testcases docs web/node_modules/.package-lock.json

# One package more than there are processors runs at a time, and one test of each: a third of the time a test waits for its browser.
E2E_PARALLEL := -parallel 1 -p $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# Without vet, of which go test would run a part: make check has run all of it.
TEST := $(GO) test -vet=off

# Runs every test, with samples where a full figure takes longer. Installs what the tests need.
test: PROGRAMS = -host
test: tools together check pack extension
	@$(TEST) ./...
	@cd core/ethereum/oracle && $(TEST) ./...
	@cd core/tron/oracle && $(TEST) ./...
	@cd core/cosmos/oracle && $(TEST) ./...
	@GOOS=js GOARCH=wasm $(TEST) -exec "$(WASM_EXEC)" ./core/... ./bridge/... ./wasm/...
	@cd web/e2e && $(TEST) $(E2E_PARALLEL) -timeout 8m ./...

# Runs the tests that need no browser, except those of the build. Outside web/e2e, a test that starts one has Chromium in its name.
test-quick: build web/node_modules/.package-lock.json
	@CHROMIUM=none $(GO) test -skip Chromium $$($(GO) list ./... | grep -v -e /devicesim/chromium -e /devicesim/preload -e /web/build)
	@GOOS=js GOARCH=wasm $(GO) test -exec "$(WASM_EXEC)" ./bridge/... ./wasm/...

# Runs every test in full, exhaustive or random, and prints what it counted.
test-all: PROGRAMS = -host
test-all: tools together check pack extension $(WEB_EXT)
	@IMKEY_FULL=1 $(TEST) -count=1 -timeout 60m -v ./...
	@cd core/ethereum/oracle && IMKEY_FULL=1 $(TEST) -count=1 -timeout 60m -v ./...
	@cd core/tron/oracle && IMKEY_FULL=1 $(TEST) -count=1 -timeout 60m -v ./...
	@cd core/cosmos/oracle && IMKEY_FULL=1 $(TEST) -count=1 -timeout 60m -v ./...
	@cd core/bitcoin/oracle && IMKEY_FULL=1 $(TEST) -count=1 -timeout 60m -v ./...
	@GOOS=js GOARCH=wasm $(TEST) -exec "$(WASM_EXEC)" ./core/... ./bridge/... ./wasm/...
	@$(GO) build -o build/stripped ./web/build/stripped
	@GOOS=js GOARCH=wasm $(TEST) -count=1 -exec "$(CURDIR)/build/stripped" ./core/... ./bridge/... ./wasm/...
	@cd web/e2e && IMKEY_FULL=1 $(TEST) $(E2E_PARALLEL) -count=1 -timeout 60m -v ./...

# Compares two ways to the simulated device: the browser's own WebUSB and the WebSocket.
buses: tools build
	@rm -rf build/buses && cd web/e2e && IMKEY_OUT=$(CURDIR)/build/buses $(GO) test -count=1 -run '^TestBuses$$' ./buses && $(GO) run ./cmd/buses $(CURDIR)/build/buses

# Runs the same tests on a Linux kernel's USB stack, in QEMU, and compares all three ways. Prints SKIP where QEMU cannot run.
e2e-kernel: build
	@GO=$(GO) sh web/e2e/kernel/test.sh

# Sends MESSAGES right, mutated and random messages to every port of the simulator, runs SESSIONS of two browsers with three devices
# and what may go wrong, then each fuzz target for FUZZTIME.
FUZZTIME ?= 60s
MESSAGES ?= 1000000
SESSIONS ?= 100000
soak:
	@IMKEY_MESSAGES=$(MESSAGES) $(GO) test -count=1 -timeout 60m -v -run BadInput ./devicesim/simtest
	@IMKEY_SESSIONS=$(SESSIONS) $(GO) test -count=1 -timeout 60m -v -run '^TestSessions$$' ./devicesim/simtest
	@set -e; for dir in $$(grep -rl '^func Fuzz' --include='*_test.go' core devicesim wasm | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -d' ' -f2); do \
			echo "== $$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) ./$$dir; \
		done; \
	done

# Changes the code in one place at a time, and fails if too few of the changes make a test fail. It takes about 15 minutes.
JOURNAL_TEST := web/sdk/provider/journal.test.ts
mutation: docs
	@$(GO) run ./web/build/mutation -survivors web/build/mutation/survivors.txt core/frame core/attestation core/binding \
		web/sdk/provider/journal.ts=$(JOURNAL_TEST) web/sdk/provider/journalstore.ts=$(JOURNAL_TEST) web/sdk/provider/nonce.ts=$(JOURNAL_TEST)

# Measures this project and others side by side, from npm and with a simulated device: JSON, a table and a plot in build/bench.
bench: bench-core bench-browser

# The same with fewer runs, in two minutes once the packages are installed.
bench-quick:
	@IMKEY_QUICK=1 $(MAKE) --no-print-directory bench-browser

.PHONY: bench-browser bench-core
bench-browser: tools $(DIST)
	@for project in web/e2e/bench/peers core/ethereum/oracle; do \
		(cd $$project && { [ -d node_modules ] || npm ci --loglevel=error --ignore-scripts --no-audit --no-fund; }) || exit 1; done
	@rm -rf build/bench && mkdir -p build/bench
	@IMKEY_DEVICES=1,10,100,1000 IMKEY_BENCH=$(CURDIR)/build/bench $(TEST) -count=1 -run '^TestDevicesSignAtOnce$$' ./devicesim/simtest
	@cd web/e2e && IMKEY_BENCH=$(CURDIR)/build/bench $(TEST) -count=1 -timeout 120m -run '^TestBench$$' ./published
	@cat build/bench/bench.md

# Measures the operations that a user waits for, in native Go and in WebAssembly, and prints the ratio.
bench-core:
	@{ $(GO) test -run '^$$' -bench . ./core; \
	   GOOS=js GOARCH=wasm $(GO) test -run '^$$' -bench . -exec "$(WASM_EXEC)" ./core; } | awk ' \
		/^Benchmark/ { sub(/^Benchmark/, "", $$1); sub(/-[0-9]+$$/, "", $$1); \
			if ($$1 in native) wasm[$$1] = $$3; else { native[$$1] = $$3; order[++n] = $$1 } } \
		END { printf "%-14s %14s %14s %8s\n", "operation", "native ns", "WASM ns", "ratio"; \
			for (i = 1; i <= n; i++) printf "%-14s %14.0f %14.0f %8.1f\n", order[i], native[order[i]], wasm[order[i]], wasm[order[i]] / native[order[i]] }'
	@GOOS=js GOARCH=wasm $(GO) test -run '^$$' -bench . -exec "$(WASM_EXEC)" ./bridge/webusb | grep ^Benchmark

# Removes what was built.
clean:
	@rm -rf web/dist build

# Lists the targets.
help:
	@awk '/^# / { if (!c) c = substr($$0, 3); next } /^[a-z0-9-]+:/ { if (c) printf "%-12s %s\n", substr($$1, 1, index($$1, ":") - 1), c; c = "" } /^$$/ { c = "" }' Makefile
