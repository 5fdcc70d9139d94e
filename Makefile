# SPDX-License-Identifier: Apache-2.0
# The short door to everything. Each target does what it needs first; the second time is fast.
#   make run     sets everything up and runs Lazaret on this machine     make test    sets everything up and passes the tests
.DEFAULT_GOAL := help
PRODUCT  := build/product
SANITIZE := build/sanitize
RELEASE  := build/release
export LC_ALL := C.UTF-8

.PHONY: help setup build sanitize release dist portal run demo test bench lint format fuzz mutated-policies mutants leak-hunt kill-9 kill-9-policies faults upgrade-drill soak hostile clean

help:
	@sed -n 's/^#   //p; s/^## //p' Makefile
## make setup    installs Debian and npm packages (asks for sudo only when not root); starts no service
## make build    the programs in build/bin/, the portal in build/portal/
## make demo     the whole story without a browser, each verdict printed; FILM=path takes your own film
## make leak-hunt   planted patients are sought in logs, files, Redis, traffic, memory, cores and swap (as root: everywhere)
## make bench    speed and memory, as ratios      make lint    layers, format, cppcheck      make format
## make dist     the release: build/dist/ and build/lazaret-VERSION-ARCH.tar.gz, without the software TEE and all that accepts it
## make kill-9 N=300 [SEED=n]   kill -9 of every program under load: what is lost (nothing), and how soon all is well again
## make kill-9-policies N=200 [SEED=n]   kill -9 of the attestation service while policies and policy signers change
## make faults   [FAULTS="disk-full ..."]   parts gone, hanging, or without room: what a clerk sees, and how soon all is well again
## make hostile     the attestation service besieged: what is left for legitimate clients (build/hostile.json)
## make soak MINUTES=30   mixed load on the whole chain: errors, memory, open files, tails (build/soak.json)
## make fuzz MINUTES=1 [RUNS=1000000] [TARGETS="a b"]   every fuzz target, or a group: TARGETS=evidence (fuzz/README.md)
## make mutated-policies RUNS=1000000 [SEED=1]   mutated attestation policies over mutated claim sets, under sanitizers
## make mutants [FILES="src/evidence/amd/*.c"] [FLAWS=1] [OWN=1]   deletes each check of src/evidence in turn: does a test notice?
## make upgrade-drill   hand-over and recovery, kill -9 at each step
## make clean    removes what was built (not run/, which holds the demo's records)

setup:
	@scripts/setup

# Meson is asked for only once; ninja sees by itself when a build file changed.
$(PRODUCT)/build.ninja: | setup
	@meson setup $(PRODUCT) -Dsimulation=true > build-setup.log 2>&1 || { cat build-setup.log; exit 1; }; rm -f build-setup.log

$(SANITIZE)/build.ninja: | setup
	@meson setup $(SANITIZE) -Dsimulation=true -Db_sanitize=address,undefined > build-setup.log 2>&1 || { cat build-setup.log; exit 1; }; rm -f build-setup.log

$(RELEASE)/build.ninja: | setup
	@meson setup $(RELEASE) -Dsimulation=false > build-setup.log 2>&1 || { cat build-setup.log; exit 1; }; rm -f build-setup.log

build: $(PRODUCT)/build.ninja portal
	@ninja -C $(PRODUCT) --quiet
	@scripts/collect-programs $(PRODUCT) build/bin

sanitize: $(SANITIZE)/build.ninja
	@ninja -C $(SANITIZE) --quiet
	@scripts/collect-programs $(SANITIZE) build/bin-sanitize

# The programs, and the test that meets them with what the simulation makes; their unit tests ran in the other builds.
release: $(RELEASE)/build.ninja
	@ninja -C $(RELEASE) --quiet release

dist: release
	@scripts/build-portal release
	@scripts/build-dist

portal: | setup
	@scripts/build-portal

run: build
	@exec node scripts/run.mjs

demo: build
	@FILM="$(FILM)" node scripts/demo.mjs

test: build sanitize dist
	@scripts/run-tests $(TESTS)

upgrade-drill: build
	@cd tests/system && LAZARET_BIN=$(CURDIR)/build/bin LAZARET_DRILL=1 node --test --test-reporter=spec upgrade.test.mjs recovery.test.mjs

leak-hunt: build
	@cd tests/system && node --test --test-reporter=spec leak-search.test.mjs && node --test --test-reporter=spec leak-hunt.test.mjs

bench: build
	@scripts/run-bench

lint: | setup
	@scripts/lint

format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

hostile: build
	@node tests/hostile/hostile.mjs $(SECONDS)

soak: build
	@node tests/soak/soak.mjs $(or $(MINUTES),30) $(RATE)

fuzz: | setup
	@MINUTES="$(MINUTES)" RUNS="$(RUNS)" TARGETS="$(TARGETS)" JOBS="$(JOBS)" MAX_MS="$(MAX_MS)" MINIMISE="$(MINIMISE)" scripts/run-fuzz

mutated-policies: $(SANITIZE)/build.ninja
	@ninja -C $(SANITIZE) --quiet fuzz/policy-mutations
	@$(SANITIZE)/fuzz/policy-mutations $(or $(RUNS),1000000) $(or $(SEED),1) fuzz/corpus/policy_evaluate

mutants: | setup
	@scripts/mutants --jobs $(or $(JOBS),2) $(if $(FLAWS),--flaws) $(if $(OWN),--own) $(FILES)

kill-9: build
	@N="$(N)" SEED="$(SEED)" node tests/tools/kill-9.mjs

kill-9-policies: build
	@N="$(N)" SEED="$(SEED)" node tests/tools/kill-9-policies.mjs

faults: build
	@node tests/tools/faults.mjs $(FAULTS)

clean:
	@rm -rf build .deps
