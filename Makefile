# `make` runs what a change has to pass; `make help` lists the rest.

# Tools run by `go run path@version`: nothing is installed, and this is the only
# place that names a version.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0
BUF           := github.com/bufbuild/buf/cmd/buf@v1.75.0
CYCLONEDX     := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

GO        ?= go
FUZZ      ?= ^Fuzz
FUZZTIME  ?= 10s
# Tries to make an interesting input smaller. The default of go is 60s, in which a target runs no
# new inputs: coverage varies with the order of maps, so that many inputs look interesting.
MINIMIZE  ?= 100x
BENCH     ?= .
BENCHTIME ?= 1s
COUNT     ?= 1

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.NOTPARALLEL:

# Modules of their own further down: what needs dependencies that the library
# must not have.
MODULES := $(patsubst ./%/go.mod,%,$(sort $(shell find . -mindepth 2 -name go.mod -not -path '*/testdata/*' -not -path '*/node_modules/*')))

# The oldest Go that go.mod allows. go fetches it like a module.
OLDEST := go$(shell awk '$$1 == "go" { print $$2 }' go.mod)

# What reads bytes of strangers, or counts them: where the size of an int matters.
PARSERS := . ./entra ./client/internal/... ./emulator/internal/... ./httptest ./internal/connstr ./internal/excerpt ./internal/glob ./internal/jsonscan ./internal/odata ./internal/rule ./internal/upstream ./service/...

# The modules that need a browser, nginx or Redis have targets of their own.
BROWSER := internal/browser
NGINX   := interop/nginx
REDIS   := redis
SCALE   := examples/chat/replicas

# What a release consists of: the command for each platform, and images, each named
# before the program in it.
VERSION   := $(shell sed -n 's/^const Version = "\(.*\)"$$/\1/p' internal/version/version.go)
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
IMAGES    := webpubsub=./cmd/webpubsub echo=./examples/echo chat=./examples/chat
REGISTRY  ?= ghcr.io/go-webpubsub

.PHONY: all
all: fmt-check vet lint test modules tidy-check ## all of the below that is quick (the default)

.PHONY: ci
ci: all race oldest 32bit interop nginx redis scale guide browser fuzz ## all that gates a submission; needs no internet but the package registries

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-15s %s\n", $$1, $$2 }'

.PHONY: test
test: ## run the tests
	$(GO) test ./...

.PHONY: race
race: ## run the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

.PHONY: oldest
oldest: ## vet and test with the oldest Go that go.mod allows
	GOTOOLCHAIN=$(OLDEST) $(GO) vet ./...
	GOTOOLCHAIN=$(OLDEST) $(GO) test ./...

.PHONY: 32bit
32bit: ## vet for a 32-bit machine, and test there the packages that parse (needs an x86 processor)
	GOARCH=386 CGO_ENABLED=0 $(GO) vet ./...
	GOARCH=386 CGO_ENABLED=0 $(GO) test $(PARSERS)

.PHONY: vet
vet: ## run go vet
	$(GO) vet ./...

.PHONY: lint
lint: ## run golangci-lint over every module
	$(GO) run $(GOLANGCI_LINT) run --allow-parallel-runners ./...
	@for m in $(MODULES); do \
		echo "lint $$m"; \
		(cd "$$m" && $(GO) run $(GOLANGCI_LINT) run --allow-parallel-runners --config "$(CURDIR)/.golangci.yml" ./...); \
	done

.PHONY: fmt
fmt: ## format the code
	gofmt -w .

.PHONY: fmt-check
fmt-check: ## fail on code that gofmt would change
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi

.PHONY: modules
modules: ## vet and test the modules further down
	@for m in $(filter-out $(BROWSER) $(NGINX) $(REDIS) $(SCALE),$(MODULES)); do \
		echo "module $$m"; \
		(cd "$$m" && $(GO) vet ./... && $(GO) test ./...); \
	done

.PHONY: tidy-check
tidy-check: ## fail on a go.mod or go.sum that go mod tidy would change
	@for m in . $(MODULES); do \
		echo "tidy $$m"; \
		(cd "$$m" && $(GO) mod tidy -diff); \
	done

.PHONY: interop
interop: ## run Microsoft's JavaScript packages against the emulator and beside the Go clients, and a parser of Bicep (needs Node.js and npm)
	$(GO) build -o bin/ ./interop/harness ./interop/goservice ./interop/goclient ./cmd/webpubsub ./examples/echo
	cd interop && npm ci --ignore-scripts --loglevel=error
	cd interop && HARNESS="$(CURDIR)/bin/harness" GOSERVICE="$(CURDIR)/bin/goservice" GOCLIENT="$(CURDIR)/bin/goclient" \
		WEBPUBSUB="$(CURDIR)/bin/webpubsub" ECHO="$(CURDIR)/bin/echo" npm test

.PHONY: bench-npm
bench-npm: ## compare the Go clients with Microsoft's JavaScript ones and with clients by hand: processor time and memory (needs Linux, Node.js and npm)
	$(GO) build -o bin/ ./interop/harness ./interop/peers
	cd interop && npm ci --ignore-scripts --loglevel=error
	bin/peers -harness bin/harness -script interop/peer.js

.PHONY: nginx
nginx: ## check handlers behind nginx (needs nginx)
	cd $(NGINX) && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: redis
redis: ## test the stores on Redis, also as a cluster, under the race detector (needs redis-server and a C compiler)
	cd $(REDIS) && $(GO) vet ./... && $(GO) test -count=1 ./...
	cd $(REDIS) && CGO_ENABLED=1 $(GO) test -race -count=1 -skip Miniredis ./...

.PHONY: guide
guide: ## follow docs/getting-started.md to the letter in an empty folder (needs bash and curl)
	$(GO) run ./internal/guide docs/getting-started.md

.PHONY: scale
scale: ## kill replicas of the chat while clients talk, and count what happened, in short (needs redis-server and nginx)
	cd $(SCALE) && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: replicas
replicas: ## run the chat as three replicas behind nginx until Ctrl+C (needs redis-server and nginx)
	examples/chat/replicas.sh

.PHONY: browser
browser: ## try the pages of the chat and of the inspector in a browser (needs Chromium or Chrome)
	cd $(BROWSER) && $(GO) vet ./... && $(GO) test -count=1 -timeout 15m ./...

.PHONY: screenshot
screenshot: ## take the pictures of the chat and the inspector anew (needs what browser needs, the fonts Inter and Charis SIL, and pngquant)
	cd $(BROWSER) && $(GO) test -count=1 -run '^TestLooks$$' ./chat -args -screenshot "$(CURDIR)/docs/chat.png"
	cd $(BROWSER) && $(GO) test -count=1 -run '^TestPictures$$' ./inspector -args -pictures "$(CURDIR)/docs"
	pngquant --force --ext .png --strip 128 docs/inspector.png docs/inspector-phone.png

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10s); FUZZ=regexp chooses targets
	@targets=$$($(GO) test -list '$(FUZZ)' ./... | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }'); \
	if [ -z "$$targets" ]; then echo "no fuzz target matches $(FUZZ)"; exit 1; fi; \
	mkdir -p bin; \
	while read -r package name; do \
		echo "fuzz $$name in $$package for $(FUZZTIME)"; \
		if $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime $(MINIMIZE) "$$package" 2>&1 | tee bin/fuzz.out; then continue; fi; \
		grep -q '^ *context deadline exceeded$$' bin/fuzz.out && ! grep -q 'Failing input' bin/fuzz.out || exit 1; \
		echo "the time ended on a busy machine, and no input failed: once more"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime $(MINIMIZE) "$$package"; \
	done <<< "$$targets"

.PHONY: bench
bench: ## run the benchmarks; BENCH=regexp, BENCHTIME and COUNT choose
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) -count $(COUNT) ./...

.PHONY: golden
golden: ## write anew what is generated: the exported API's golden files, the README's server, docs/cli.md, the session in docs/check.md, outputs of commands
	$(GO) test ./internal/archtest -run '^(TestAPI|TestREADMEServer)$$' -update
	$(GO) test ./internal/cli ./internal/cli/gen -update
	$(GO) test ./cmd/webpubsub -run '^TestCheckSession$$' -update

.PHONY: man
man: ## write the man pages of webpubsub to bin/man
	$(GO) run ./internal/cli/gen man bin/man

.PHONY: schema
schema: ## compile the schema of the protobuf subprotocols, which tests read
	cd internal/protoschema && $(GO) run $(BUF) build webpubsub.proto --as-file-descriptor-set --exclude-source-info --exclude-imports -o webpubsub.binpb

.PHONY: vuln
vuln: ## look for known vulnerabilities (needs the internet)
	$(GO) run $(GOVULNCHECK) ./...
	@for m in $(MODULES); do \
		echo "vuln $$m"; \
		(cd "$$m" && $(GO) run $(GOVULNCHECK) ./...); \
	done

.PHONY: release-version
release-version: ## fail unless TAG is the tag of the version in internal/version
	@if [ "$$TAG" != "v$(VERSION)" ]; then echo "TAG is $$TAG, and internal/version has $(VERSION): see RELEASE.md"; exit 1; fi

.PHONY: release
release: ## build the command for all platforms into bin/release, with checksums and SBOMs (needs GNU tar)
	rm -rf bin/release && mkdir -p bin/release
	GOBIN="$(CURDIR)/bin" $(GO) install $(CYCLONEDX)
	@for platform in $(PLATFORMS); do \
		export GOOS="$${platform%/*}" GOARCH="$${platform#*/}"; \
		name="webpubsub_$(VERSION)_$${GOOS}_$$GOARCH"; program=webpubsub; \
		if [ "$$GOOS" = windows ]; then program=webpubsub.exe; fi; \
		echo "release $$name"; \
		CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o "bin/release/$$name/$$program" ./cmd/webpubsub; \
		GOPROXY=off bin/cyclonedx-gomod bin -json -std -licenses -noserial -notimestamp -version "v$(VERSION)" \
			-output "bin/release/$$name.cdx.json" "bin/release/$$name/$$program" 2>bin/sbom.out || { cat bin/sbom.out; exit 1; }; \
		cp LICENSE "bin/release/$$name"; \
		tar --create --directory "bin/release/$$name" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=go=u,go-w . \
			| gzip --no-name --best > "bin/release/$$name.tar.gz"; \
		rm -r "bin/release/$$name"; \
	done
	cd bin/release && sha256sum *.tar.gz *.cdx.json > SHA256SUMS

.PHONY: release-notes
release-notes: ## print the changes of the version in internal/version, from CHANGELOG.md
	@awk '/^## / { found = index($$0, "## [$(VERSION)]") == 1; next } found' CHANGELOG.md

.PHONY: images
images: ## build the images of a release for amd64 and arm64, and push them (needs docker, logged in at REGISTRY)
	docker buildx inspect release >/dev/null 2>&1 || docker buildx create --name release --driver docker-container
	@for image in $(IMAGES); do \
		echo "image $${image%%=*}"; \
		docker buildx build --builder release --platform linux/amd64,linux/arm64 --provenance=mode=max --sbom=true --push \
			--label org.opencontainers.image.source=https://github.com/go-webpubsub/webpubsub \
			--label org.opencontainers.image.version=$(VERSION) --label org.opencontainers.image.licenses=MIT \
			--build-arg PROGRAM="$${image#*=}" --tag "$(REGISTRY)/$${image%%=*}:$(VERSION)" .; \
	done
