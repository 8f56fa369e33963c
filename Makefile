# make quick   the seconds-long loop: vet and short tests
# make test    everything; installs what it needs first
# make setup   only install what the tests need
# make fuzz    every fuzz target on some thousand inputs

SHELL := /bin/bash
GOBIN := $(CURDIR)/build/bin
export PATH := $(GOBIN):$(PATH)
FUZZTIME ?= 50000x

.PHONY: quick test setup lint fuzz

quick:
	go vet ./...
	go test ./...

setup:
	@tools/setup

lint: setup
	@test -z "$$(gofumpt -l .)" || { echo "not formatted:"; gofumpt -l .; exit 1; }
	go vet ./...
	staticcheck ./...
	@tools/vuln

test: lint
	@tools/fuzz $(FUZZTIME)
	go test -count=1 ./...

fuzz:
	@tools/fuzz $(FUZZTIME)
