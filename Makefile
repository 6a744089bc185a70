# SPDX-License-Identifier: GPL-2.0-only
# Everything that is done with scx_augur, by name. `make help` lists it.

PREFIX ?= /usr/local
DESTDIR ?=
UNITDIR ?= $(PREFIX)/lib/systemd/system
# The model's training set, as `make record` leaves it.
MODEL_LOG ?= model_dir/log
MODEL ?= model_dir/augur
# Who is compared by `make frontier`, and where its table, picture and samples go.
SCHEDULERS ?= frontier
FRONTIER ?= target/frontier
# The table that `make sweep` writes.
SWEEP ?= target/sweep.parquet
# Options for what the target starts: make run ARGS='--shadow'.
ARGS ?=

# The state of the source that a report names.
export SCX_AUGUR_COMMIT := $(shell git rev-parse --short=12 HEAD 2> /dev/null)

CARGO ?= cargo
BINARY := target/release/scx_augur
PYTHON := .venv/bin/python
SECTION := scripts/section
# SHELL:PLACE of what completes the command line, under PREFIX/share.
COMPLETIONS := bash:bash-completion/completions/scx_augur zsh:zsh/site-functions/_scx_augur \
	fish:fish/vendor_completions.d/scx_augur.fish

.PHONY: build run check test vm vm-test record model model-from-replay networks policies frontier sweep install uninstall deb book clean help \
	setup-build setup-python setup-sweep setup-vm setup-tensorflow setup-deb test-format test-lint test-rust test-python test-docs
.NOTPARALLEL:
.DEFAULT_GOAL := build

build: setup-build ## the scheduler, in target/release (the default)
	@$(SECTION) build $(CARGO) build --release --locked

run: setup-build setup-tensorflow ## attach here, or in a virtual machine where this kernel has no sched_ext
	@$(SECTION) build $(CARGO) build --release --locked
	@scripts/run-demo $(ARGS)

test: setup-build setup-python setup-sweep setup-vm test-format test-lint test-rust test-python test-docs ## everything that .ci/run runs
	@$(SECTION) "live tests" tests/live/run --quick $(ARGS)

# What is left out takes minutes where it is not optimised, or needs TensorFlow: simulators, models, and every option of every
# command. `make test` has it.
LONG_TESTS := device model sim replay_memory trace_memory wrong_use
SHORT_TESTS = $(filter-out $(LONG_TESTS),$(patsubst tests/%.rs,%,$(wildcard tests/*.rs)))

check: setup-build ## the short way from an edit to its tests: lints, unit tests, and all but the long tests of the program
	@$(SECTION) lint $(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@$(SECTION) "Rust tests without $(LONG_TESTS)" $(CARGO) test --locked -q --workspace --lib $(SHORT_TESTS:%=--test %)

vm: setup-vm ## the kernels and the disk of the virtual machine
	@for kernel in 6.16 6.18 7.2; do $(SECTION) "kernel $$kernel" vm/vm kernel $$kernel || exit 1; done
	@$(SECTION) image vm/vm image

vm-test: build setup-vm ## every live test, in full length
	@$(SECTION) "live tests" tests/live/run $(ARGS)

record: build setup-vm ## record the decision logs in model_dir/log again, in the virtual machine
	@$(SECTION) record scripts/record-training $(BINARY)

model: setup-python ## train model_dir/augur again from its decision logs
	@$(SECTION) train $(PYTHON) scripts/train.py --from-log $(MODEL_LOG)/*.csv.gz --kind balance --name augur --out $(MODEL) --seed 1 $(ARGS)
	@$(PYTHON) -c 'import json; print(json.dumps(json.load(open("$(MODEL)/manifest.json"))["scores"], indent=2))'

model-from-replay: build setup-python ## train on replayed traces, three workloads held out, into target/replay-model; the shipped one stays
	@$(SECTION) rows scripts/replay-rows target/replay-rows 3
	@$(SECTION) train $(PYTHON) scripts/train.py --from-replay target/replay-rows/*.csv --held-out hackbench interactive stress-cpu \
		--out target/replay-model --name augur --seed 1 --closed-loop tests/traces/recorded/hackbench-* tests/traces/recorded/interactive-* \
		tests/traces/recorded/stress-cpu-* $(ARGS)

networks: setup-python ## the graphs without weights in model_dir/trainable, which `simulate train` trains
	@for kind in dqn graph; do $(SECTION) "network $$kind" $(PYTHON) scripts/train.py --trainable $$kind --out model_dir/trainable/$$kind || exit 1; done

policies: build setup-tensorflow ## train model_dir/graph and model_dir/dqn-multiprocessor again, from nothing
	rm -rf target/trained
	@$(SECTION) graph $(BINARY) simulate train --scenario multiprocessor --policy graph --vary --load 0.3,0.95 --episodes 25 --out target/trained/graph
	@$(SECTION) dqn $(BINARY) simulate train --scenario multiprocessor --policy dqn --load 0.7,0.95 --episodes 22 --out target/trained/dqn-multiprocessor
	@for policy in graph dqn-multiprocessor; do install -D -m 644 target/trained/$$policy/policy.msgpack model_dir/$$policy/policy.msgpack || exit 1; done

frontier: build setup-vm ## migrations, waits and build time beside EEVDF, in the virtual machine
	@$(SECTION) frontier $(BINARY) bench compile --vm --schedulers $(SCHEDULERS) --out $(FRONTIER) --force $(ARGS)

sweep: build setup-sweep ## the example of a sweep, here or on a Ray cluster: make sweep ARGS='--address auto'
	@mkdir -p $(dir $(SWEEP))
	@$(SECTION) sweep $(PYTHON) scripts/sweep.py --config examples/sweep.toml --out $(SWEEP) $(ARGS)

install: ## into DESTDIR and PREFIX (/usr/local): program, model, systemd unit, manual, completions
	@[ -x $(BINARY) ] || { echo "there is no $(BINARY); run \`make build\` first" >&2; exit 1; }
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITDIR)
	install -s -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/scx_augur
	sed 's|^ExecStart=/usr/local/|ExecStart=$(PREFIX)/|' systemd/scx_augur.service > $(DESTDIR)$(UNITDIR)/scx_augur.service
	chmod 644 $(DESTDIR)$(UNITDIR)/scx_augur.service
	@to=$(DESTDIR)$(PREFIX)/share/scx_augur/model_dir && install -d $$to && \
		for part in trainable dqn-multiprocessor; do rm -rf $$to/$$part && cp -r model_dir/$$part $$to/ && chmod -R u=rwX,go=rX $$to/$$part || exit 1; done
	@if [ -d $(MODEL) ]; then \
		to=$(DESTDIR)$(PREFIX)/share/scx_augur/model_dir; \
		install -d $$to && rm -rf $$to/augur && cp -r $(MODEL) $$to/augur && chmod -R u=rwX,go=rX $$to/augur && \
		echo "the model lies in $$to/augur"; \
	else echo "no model in $(MODEL): the heuristic decides alone"; fi
	@for shell in $(COMPLETIONS); do \
		to=$(DESTDIR)$(PREFIX)/share/$${shell#*:}; install -d "$${to%/*}" && \
		$(BINARY) completions $${shell%%:*} > "$$to" && chmod 644 "$$to" || exit 1; done
	@pages=$$(mktemp -d) && trap 'rm -rf "$$pages"' EXIT && $(BINARY) --quiet man --out "$$pages" && \
		install -d $(DESTDIR)$(PREFIX)/share/man/man1 && install -m 644 "$$pages"/*.1 $(DESTDIR)$(PREFIX)/share/man/man1

uninstall: ## what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/scx_augur $(DESTDIR)$(UNITDIR)/scx_augur.service
	rm -rf $(DESTDIR)$(PREFIX)/share/scx_augur
	rm -f $(foreach pair,$(COMPLETIONS),$(DESTDIR)$(PREFIX)/share/$(lastword $(subst :, ,$(pair))))
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/scx_augur.1 $(DESTDIR)$(PREFIX)/share/man/man1/scx_augur-*.1

deb: build setup-deb ## a Debian package, in target/debian
	@rm -rf target/deb-root
	@$(MAKE) --no-print-directory install DESTDIR=target/deb-root PREFIX=/usr UNITDIR=/usr/lib/systemd/system MODEL=model_dir/augur
	@rm -rf target/debian
	@$(SECTION) package .tools/bin/cargo-deb --no-build --no-strip --quiet --output target/debian/

book: setup-python ## README.md, docs and ARCHITECTURE.md as one book, in target/book
	@$(SECTION) book $(PYTHON) -m mkdocs build --quiet

clean: ## what was built; what was downloaded stays
	$(CARGO) clean
	rm -rf python/build python/*.egg-info
	find python scripts tests vm -name __pycache__ -prune -exec rm -rf {} +

help: ## this
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-17s %s\n' "$$name" "$$text"; done

# Each of these is done at once where it is done already.
setup-build:
	@scripts/setup build
	@command -v $(CARGO) > /dev/null || { echo "there is no $(CARGO); install Rust 1.91 or later from https://rustup.rs" >&2; exit 1; }

setup-vm:
	@scripts/setup vm

setup-python:
	@scripts/setup python .venv dev

setup-sweep:
	@scripts/setup sweep .venv

setup-tensorflow:
	@scripts/setup tensorflow-lib .tensorflow

setup-deb:
	@scripts/setup deb .tools

test-format:
	@$(SECTION) format $(CARGO) fmt --all --check

test-lint:
	@$(SECTION) lint $(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings

# One profile for the tests, the lints and the program in the virtual machine: nothing is compiled twice.
test-rust:
	@$(SECTION) build $(CARGO) build --release --locked
	@$(SECTION) "Rust tests" $(CARGO) test --release --locked -q --workspace

test-python:
	@$(SECTION) "Python lint" $(PYTHON) -m ruff check --no-cache
	@$(SECTION) "Python format" $(PYTHON) -m ruff format --check --no-cache
	@$(SECTION) "Python tests, vm" $(PYTHON) -B -m unittest discover -s vm
	@$(SECTION) "Python tests, training and sweeps" $(PYTHON) -B -m unittest discover -s python/tests
	@$(SECTION) "Python tests, documents" $(PYTHON) -B -m unittest discover -s scripts

# What the documents show, as it is pasted.
test-docs:
	@$(SECTION) documents scripts/check-docs
	@$(SECTION) book $(PYTHON) -m mkdocs build --quiet
