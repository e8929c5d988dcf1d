# Everything here needs Go and nothing else. `make lint` fetches its tool
# through the Go module proxy, at the version pinned below, into ./bin.

GO ?= go
LINT_VERSION := v2.12.2
LINT := bin/golangci-lint-$(LINT_VERSION)
FUZZTIME ?= 60s
CASES ?= 1000
SEED ?= 1
SPLITTING_SEEDS ?= 200

.PHONY: build man demo test race lint bench splitting fuzz conformance clean pictures reports validate coverage performance proposals

build: ## the command, as bin/probesim
	@mkdir -p bin
	$(GO) build -trimpath -o bin/probesim ./cmd/probesim

man: build ## manual pages of every command, in bin/man
	bin/probesim man bin/man

demo: build ## the main job on a published incident: numbers, settings, patch, charts in demo-out/
	@bash cmd/probesim/demo.sh

test: ## vet, build and test
	$(GO) vet ./...
	$(GO) build ./...
	$(GO) test ./...

race: ## the tests under the race detector; needs a C compiler
	$(GO) test -race -timeout 60m ./...

lint: $(LINT) ## golangci-lint at the pinned version
	$(LINT) run ./...

$(LINT):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/golangci-lint $@

validate: ## docs/validation.md: the model beside measurements and recorded traces
	GO=$(GO) bash docs/validate.sh

SEEDS ?= 2000
coverage: ## how often intervals contain a known truth, over SEEDS seeds: the table in docs/validation.md; minutes of CPU
	GO=$(GO) SEEDS=$(SEEDS) bash docs/coverage.sh
performance: ## the tables of docs/performance.md and the picture of the growth, from the benchmarks; minutes of CPU
	GO=$(GO) bash docs/performance.sh probes growth cpu

reports: ## the report of every shipped scenario into reports-out/, with its size and CPU time; fails at 2 MB; ten minutes
	GO=$(GO) bash docs/reports.sh

pictures: ## the pictures of README.md and docs/gallery.md
	GO=$(GO) bash docs/pictures.sh

bench: ## every benchmark
	$(GO) test -run '^$$' -bench . -benchmem ./...

splitting: ## coverage and bias of splitting against the exact chain, SPLITTING_SEEDS seeds of each case, and their table in docs/performance.md; twenty minutes of CPU
	GO=$(GO) SPLITTING_SEEDS=$(SPLITTING_SEEDS) bash docs/performance.sh splitting

proposals: ## what recommend proposes for every gallery case, on seeds it has not seen: the table in docs/performance.md; minutes
	$(GO) test ./cmd/probesim -run '^TestProposals$$' -count=1 -timeout 0 -v -args -proposals

fuzz: ## every fuzz target, FUZZTIME each
	@set -e; for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
	  done; \
	done

conformance: ## CASES random cases from SEED on under the real kubelet's probe code and in the simulator, event for event
	cd sim/kubelettest && $(GO) test -mod=mod -count=1 -timeout 0 -v -run '^(TestCorpus|TestLive)$$' . -args -cases $(CASES) -seed $(SEED)

clean: ## everything that was made here
	rm -rf bin demo-out reports-out
