# The front door. `make help` lists what there is; CONTRIBUTING.md says when to use it.

SHELL := /bin/bash

# The store that `make demo` uses.
STORE ?= memory://tour
export STORE

CARGO_OUT := $(or $(CARGO_TARGET_DIR),target)
# What a C program needs: the header is in include/, the libraries are put here.
LIB := build/lib
# Where `make install` puts things, by the GNU names in either case; DESTDIR goes before each.
PREFIX ?= $(or $(prefix),/usr/local)
LIBDIR ?= $(or $(libdir),$(PREFIX)/lib)
INCLUDEDIR ?= $(or $(includedir),$(PREFIX)/include)
DOCDIR ?= $(or $(docdir),$(PREFIX)/share/doc/lovely-session)
DESTDIR ?=
C_WARNINGS := -Wall -Wextra -pedantic -Werror

INSTALL_SETTINGS = PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DOCDIR='$(DOCDIR)' DESTDIR='$(DESTDIR)' LIB='$(LIB)'

.DEFAULT_GOAL := help
.PHONY: help demo lib manual install uninstall deb check test test-go test-queue test-faults test-faults-planted bench bench-go bench-cycle bench-queue bench-ruby test-ruby header clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: ## Install what is missing, build the library and the tour, run the tour (STORE=URL: on that store; STORE=memcached: on one of its own)
	@tools/setup.sh demo
	@case "$$STORE" in memcached) tools/setup.sh memcached ;; esac
	@$(MAKE) --no-print-directory build/tour
	@tools/demo.sh

lib: ## Build the C library, shared and static, into build/lib
	cargo build --release --locked
	@mkdir -p $(LIB)
	@# As new files: a program that runs on the old library goes on with it.
	@install -m 644 $(CARGO_OUT)/release/liblovely_session.a $(LIB)/
	@install -m 755 $(CARGO_OUT)/release/liblovely_session.so $(LIB)/liblovely_session.so.0
	@ln -sf liblovely_session.so.0 $(LIB)/liblovely_session.so

build/tour: lib examples/tour.c
	$(CC) -std=c11 -O1 $(C_WARNINGS) -Iinclude examples/tour.c -o $@ -L$(LIB) -llovely_session -Wl,-rpath,'$$ORIGIN/lib'

manual: ## Make the reference manual in HTML from the headers, into build/manual (Doxygen)
	@tools/setup.sh manual
	@tools/manual.sh

# What was built is taken as it is, so that root need not run cargo; what was not is built first.
install: ## Install libraries, headers, pkg-config and CMake files, and the manual (PREFIX, LIBDIR, INCLUDEDIR, DOCDIR, DESTDIR)
	@test -e $(LIB)/liblovely_session.a || $(MAKE) --no-print-directory lib
	@test build/manual/html/index.html -nt include/lovely_session.h || $(MAKE) --no-print-directory manual
	@$(INSTALL_SETTINGS) tools/install.sh install

uninstall: ## Remove what `make install` with the same settings installed
	@$(INSTALL_SETTINGS) tools/install.sh uninstall

deb: ## Make the Debian packages liblovely-session0 and liblovely-session-dev, into build/deb
	@tools/setup.sh deb
	@test -e $(LIB)/liblovely_session.a || $(MAKE) --no-print-directory lib
	@test build/manual/html/index.html -nt include/lovely_session.h || $(MAKE) --no-print-directory manual
	@LIB='$(LIB)' tools/deb.sh

check: ## Quick look before a commit: format, lints, and the tests of documents and inner parts
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked --lib --test docs

test: ## Install what is missing and run everything: what CI runs
	@tools/setup.sh test
	@tools/test.sh

test-ruby: ## Run the tests of the Ruby gem
	@tools/setup.sh ruby
	@$(MAKE) --no-print-directory lib
	@tools/test-ruby.sh

test-faults: ## Break servers, links and clients, and check that every promise is kept (SECONDS=40, SEED=N)
	@tools/setup.sh memcached
	cargo test --locked --test faults -- run --seconds $(or $(SECONDS),40) $(if $(SEED),--seed $(SEED))

test-faults-planted: ## Show that the fault harness finds defects that are built in for it
	@tools/setup.sh memcached
	cargo test --locked --features planted-bugs --test faults -- planted

test-queue: ## Load the event loop of the examples with wrk, and break connections under queues and blocking calls (SECONDS=20)
	@tools/setup.sh test
	@$(MAKE) --no-print-directory lib
	tests/examples/event_loop.sh $(or $(SECONDS),20)
	SECONDS_OF_FAULTS=$(or $(SECONDS),20) cargo test --locked --test queue -- --nocapture lose_nothing

test-go: ## Test the Go package (Go 1.24 or later)
	@tools/setup.sh memcached
	@tools/test-go.sh

bench: ## Print what the main paths cost: counts first, then times
	cargo bench --locked

bench-go: ## Compare cycles of the Go package with those of gomemcache, and requests with those of gorilla and scs
	@tools/setup.sh memcached
	@$(MAKE) --no-print-directory lib
	cd bindings/go && go test -tags lovely_tree -run '^$$' -bench . .
	cd bindings/go/bench && go run -tags lovely_tree .
	@tools/bench-request.sh

bench-cycle: ## Compare cycles on memcached with plain sockets and with libmemcached, pinned to one CPU
	@tools/setup.sh bench-cycle
	@$(MAKE) --no-print-directory lib
	@LIB=$(LIB) benches/cycle/run.sh

bench-queue: ## Compare queues with a thread for each visitor, this library's and libmemcached's, on memcached
	@tools/setup.sh bench-cycle
	@$(MAKE) --no-print-directory lib
	@LIB=$(LIB) benches/queue/run.sh

bench-ruby: ## Compare requests through the middleware of Rack with Dalli's, pinned to one CPU
	@tools/setup.sh bench-ruby
	@$(MAKE) --no-print-directory lib
	@taskset -c 0 ruby bindings/ruby/bench/rack.rb

header: ## Generate include/lovely_session.h and docs/functions.md from the sources
	UPDATE_HEADER=1 cargo test --locked --test abi_header --test docs

clean: ## Remove everything that was built
	cargo clean
	rm -rf build
