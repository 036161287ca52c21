# One command each; the work is in scripts/. `make run` and `make test` install what is missing first.
.PHONY: run build test sanitize check format lint bench docs fuzz dist deb setup demo-pairing clean
.DEFAULT_GOAL := help

SOURCES := Package.swift Sources Plugins Tests examples benchmarks

help:            ## lists the targets
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/'
run: build       ## builds and starts the host on built-in defaults
	@exec .build/release/agent run $(ARGS)
build:           ## the release build, each plugin's library laid beside its manifest
	@scripts/build.sh
test:            ## every test
	@scripts/test.sh
sanitize:        ## every test under the address and the thread sanitizer: two builds, an hour or more
	@status=0; for kind in address thread; do scripts/sanitize.sh $$kind || status=1; done; exit $$status
check:           ## the gate: format, warnings, imports, sizes, header, documents; then the tests
	@scripts/check.sh && scripts/test.sh
format:          ## formats the sources
	@swift format -i -r $(wildcard $(SOURCES))
lint:            ## says what `format` would change, and more
	@swift format lint --strict -r -p $(wildcard $(SOURCES))
bench:           ## the benchmarks, with ratios against named peers
	@scripts/bench.sh
docs:            ## the reference of the Swift modules, in .build/docs
	@scripts/docs.sh
fuzz:            ## the fuzzers, FUZZ_SECONDS each (default 60)
	@scripts/fuzz.sh
dist: build      ## a relocatable dist/ (bin, lib, extensions, share)
	@scripts/dist.sh
deb: dist        ## a Debian package of it in dist-deb/
	@scripts/setup.sh dist && scripts/make-deb.sh
setup:           ## installs the Debian packages that building and testing need
	@scripts/setup.sh test
demo-pairing: build ## the host and a simulated phone side by side: link with one click
	@scripts/setup.sh demo && scripts/demo-pairing.sh $(ARGS)
clean:           ## removes what was built
	@rm -rf .build dist extensions/*/*.so
