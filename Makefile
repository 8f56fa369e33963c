# make run     the whole product on loopback, with throw-away keys and made-up cases
# make quick   the seconds-long loop: vet, and all tests but those of whole processes (make setup once)
# make test    everything; installs what it needs first
# make setup   only install what the tests need
# make browser the pages in Chromium, Firefox and text browsers
# make golden  after words have changed: what a screen reader hears, as files to read
# make client  what runs on reporters' and auditors' own computers: Linux, Windows, macOS, into build/client
# make deb     the Debian package with its SBOM, into build/deb: the same bytes from the same commit
# make package try the package on a Debian that is made and booted for it: install, use, upgrade, remove, purge
# make test-queue  try forwarding on a Redmine from Debian's packages, in a folder of its own and on loopback; as root
# make bench   measure, and write the table of docs/performance.md; takes some minutes and 3 GB of disk
# make soak    load and faults for ten minutes (SOAK=1h UNKNOWN=1000000 for an hour and a million codes that nobody has), and write the table of docs/reliability.md; as root, or no disk is filled
# make fuzz    every fuzz target on some thousand inputs

SHELL := /bin/bash
GOBIN := $(CURDIR)/build/bin
export PATH := $(GOBIN):$(PATH)
FUZZTIME ?= 20000x
SOAK ?= 10m
UNKNOWN ?= 200000

.PHONY: test-queue deb package run quick test setup lint fuzz browser golden client bench soak

# ARGS are those of suluh demo: make run ARGS="--dir ~/suluh-demo".
run:
	@go build -o build/suluh ./cmd/suluh
	@build/suluh demo $(ARGS)

# What didn't change isn't run again.
quick:
	go vet ./...
	go test ./crypto/... ./internal/... ./vault/... ./web/...
	go test -run 'Boundaries|Banned|Package|Formats|Commands' ./cmd/suluh

setup:
	@tools/setup

lint: setup
	@test -z "$$(gofumpt -l .)" || { echo "not formatted:"; gofumpt -l .; exit 1; }
	go vet ./...
	staticcheck ./...
	cd web/browser && npm run --silent check
	@tools/vuln

# Real tor is tried by itself: two hundred circuits of junk need both cores for their
# proof of work, or the honest one waits for minutes.
test: lint
	go test -count=1 $$(go list ./... | grep -v /test/onion$$)
	go test -count=1 -timeout 20m ./test/onion
	@tools/fuzz $(FUZZTIME)
	@if [ "$$(id -u)" = 0 ]; then $(MAKE) --no-print-directory test-queue; else echo "Redmine: left out, its system is made by root only: make test-queue"; fi
	@$(MAKE) --no-print-directory browser

# The pages in real browsers. SULUH_PICTURES=1 leaves a picture of each page in build/browser/screenshots.
browser: setup
	go build -o build/bin/suluh ./cmd/suluh
	cd test/browser && node --test --test-reporter=spec --test-concurrency=2 *.test.js

# After words or pages have changed: write anew what a screen reader hears. Read the diff.
golden: setup
	rm -rf test/browser/golden
	cd test/browser && SULUH_UPDATE=1 node --test --test-reporter=spec --test-concurrency=2 pages.*.test.js device.*.test.js again.test.js witnesses.test.js

fuzz:
	@tools/fuzz $(FUZZTIME)

client:
	@tools/client

deb:
	@tools/deb

package: setup
	go test -count=1 -tags debian -timeout 20m ./packaging

test-queue: setup
	go test -count=1 -tags redmine -timeout 30m -run Redmine -v ./internal/forward/httpqueue

bench:
	go run ./internal/bench -record docs/performance.md
	go run ./internal/bench -only redact -record docs/redaction.md
	go run ./internal/bench -only anomaly -record docs/auditor.md

soak:
	go run ./internal/soak -for $(SOAK) -unknown $(UNKNOWN) -record docs/reliability.md
