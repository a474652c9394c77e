# make demo   watch real calls being billed and cut; needs nothing but Go
# make test   everything that must hold; installs what it needs (Debian, as root)
.DEFAULT_GOAL := build
.PHONY: build ui browser client demo setup test lint race fuzz bench bench-ledger bench-sip bench-peer flood deb install-test clean

VERSION ?= dev
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
NODE    := PATH="$$(.ci/node):$$PATH"
FLAGS   := -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)"

build:            ## bin/tollgate, static
	CGO_ENABLED=0 go build $(FLAGS) -o bin/tollgate ./cmd/tollgate

ui:               ## the web interface again, from admin/ui/src; commit what it makes (needs Node)
	$(NODE) npm --prefix admin/ui ci
	$(NODE) npm --prefix admin/ui run gen
	$(NODE) npm --prefix admin/ui run build

browser:          ## the web interface: built files current, unit tests, and every page in chromium with real calls
	$(NODE) npm --prefix admin/ui ci --no-audit --no-fund
	$(NODE) npm --prefix admin/ui run gen
	$(NODE) npm --prefix admin/ui run build
	@test -z "$$(git status --porcelain -- admin/ui)" || { git status --porcelain -- admin/ui; echo "the built interface is not what its sources give: run make ui and commit"; exit 1; }
	$(NODE) npm --prefix admin/ui test
	$(MAKE) client
	$(NODE) TOLLGATE_BROWSER=1 go test -run 'TestBrowser$$' -count 1 -timeout 30m ./cmd/tollgate

client:           ## a client that openapi-typescript generates from the description of the API compiles (needs make browser's or make ui's packages)
	$(NODE) npm --prefix admin/ui exec --no -- openapi-typescript admin/openapi.json -o admin/ui/client/schema.d.ts
	$(NODE) npm --prefix admin/ui exec --no -- tsc -p admin/ui/client

demo:             ## a complete world on loopback; Ctrl-C ends it
	@CGO_ENABLED=0 go run ./cmd/tollgate demo $(ARGS)

setup:
	@.ci/setup

lint:             ## format, vet, staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "run gofmt -w on: $$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

race:
	go test -race -timeout 30m $$(go list ./... | grep -v /cmd/tollgate$$)
	go test -run TestDownloadsTakeBoundedMemory ./admin # with all its rows
	go test -race -timeout 45m -parallel 3 ./cmd/tollgate # tests that mostly wait are parallel; those that measure run alone, before them

test: setup lint race browser

FUZZTIME ?= 20s
fuzz:             ## every fuzz target for FUZZTIME
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -rhoE '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | cut -d' ' -f2); do \
	    go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

bench:            ## the pure rules
	go test -run '^$$' -bench . -benchmem ./rating

bench-ledger:     ## the store: scripts, cycles, latency; prints figures
	TOLLGATE_BENCH=1 go test -run 'Bench|TestFigures' -count 1 -v ./rating/ledger/...

CALLS ?= 10000000
bench-archive:    ## pages of the archive with CALLS calls; prints p50 and max. DATABASE=sqlite or postgres for one, TOLLGATE_BENCH_KEEP=/folder keeps the calls
	TOLLGATE_BENCH=$(CALLS) TOLLGATE_BENCH_ARCHIVE=$(DATABASE) go test -run '^$$' -bench 'BenchmarkPages' -benchtime 5x -timeout 2h -v ./rating/archive

RATES ?= 1
bench-sip:        ## the whole program under sipp; RATES=500,1000 chooses the steps, TOLLGATE_BENCH_RAMP=1 has them alone
	@TOLLGATE_BENCH=$(RATES) go test -run TestBenchSIP -count 1 -v -timeout 20m ./cmd/tollgate

bench-peer:       ## the same calls through Kamailio with dialog and cnxcc, and through us, in turn; RATES=100,500 chooses the steps
	@TOLLGATE_BENCH=$(RATES) go test -run TestBenchPeer -count 1 -v -timeout 20m ./cmd/tollgate

flood:            ## ten minutes of messages from forged sources; FLOODTIME=1m for less
	@TOLLGATE_FLOOD=$(or $(FLOODTIME),10m) go test -run TestAFloodFromForgedSources -count 1 -v -timeout 30m ./cmd/tollgate

DEBVERSION ?= 0~git$(shell git log -1 --format=%cd --date=format:%Y%m%d 2>/dev/null).$(or $(COMMIT),unknown)
deb: build        ## bin/tollgate_VERSION_ARCH.deb
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null) deploy/debian/build bin/tollgate $(DEBVERSION) bin/tollgate_$(DEBVERSION)_$$(dpkg --print-architecture).deb

install-test:     ## the README's chapter on installing, on a fresh Debian; then the package's life (root, Debian)
	deploy/installtest/run

clean:
	rm -rf bin
