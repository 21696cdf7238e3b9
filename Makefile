# Everything a person or the CI does here, by name. "make" alone lists it.
SHELL := /bin/bash
BIN ?= artifacts/bin
DESTDIR ?=
PREFIX ?= /usr
RID ?= linux-arm64

# What the executables are made of; directories too, so that a removed file counts as a change.
SOURCES := $(shell find src build.proj aot.props Directory.Build.props Directory.Packages.props .editorconfig names \
	scripts/build scripts/setup \( -name bin -o -name obj \) -prune -o -print)
SINK_SOURCES := $(shell find tests/sink \( -name bin -o -name obj \) -prune -o -print 2>/dev/null)

.PHONY: help build test unit quickstart e2e interop interop-local interop-callers interop-reception interop-qmqp crash fuzz bench soak rpi install uninstall deb test-deb man clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: artifacts/.built ## publish every executable natively to artifacts/bin

artifacts/.built: $(SOURCES)
	scripts/build

# The SMTP sink that the demo and the tests bring.
artifacts/.sink: $(SINK_SOURCES)
	scripts/build-sink

quickstart: artifacts/.built artifacts/.sink ## see it work: set up, deliver one message here and one by SMTP, show both
	scripts/quickstart

test: ## build, unit tests, end-to-end scenarios, crash sample; the last line is the total
	scripts/test

unit: ## the unit tests alone
	scripts/setup
	dotnet test tests/unit -c Release -v m --nologo

e2e: artifacts/.sink $(if $(filter artifacts/bin,$(BIN)),artifacts/.built) ## the scenarios of tests/e2e; BIN=DIR for other executables, ONLY=PATTERN for some
	tests/e2e/run-all --bin $(BIN) $(ONLY)

interop: $(if $(filter artifacts/bin,$(BIN)),artifacts/.built) ## deliver to postfix, exim and OpenSMTPD with real DNS servers (root, Debian); writes docs/interop.md
	tests/interop/run-all --bin $(BIN) $(if $(ONLY),$(ONLY),--write-table)

interop-local: artifacts/.built ## deliver through procmail, maildrop and Dovecot; have mutt, mailutils and IMAP read it (root, Debian)
	tests/interop/run-local --bin $(BIN) $(ONLY)

interop-callers: artifacts/.built ## programs that call sendmail, with a queue and with a hub; writes docs/callers.md (root, Debian)
	tests/interop/run-callers --bin $(BIN) $(if $(ONLY),$(ONLY),--write-table)

interop-reception: artifacts/.built ## send to mini-smtpd with other people's clients and servers (root, Debian); writes docs/reception.md
	tests/interop/run-reception --bin $(BIN) $(if $(ONLY),$(ONLY),--write-table)

interop-qmqp: artifacts/.built ## QMQP and QMTP with postfix's programs and tcpserver (root, Debian); writes docs/interop-qmqp.md
	tests/interop/run-qmqp --bin $(BIN) $(if $(ONLY),$(ONLY),--write-table)

crash: artifacts/.built artifacts/.sink ## a sample of the crash tests, in a minute; SEED=N repeats a run; docs/reliability.md says what they do
	tests/crash/every-call --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/every-fault --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/every-call --journal --sample 40 --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/every-fault --journal --sample 40 --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/power-cut --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/snapshots --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/kill-random --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/kill-random --journal --kills 60 --bin $(BIN) $(if $(SEED),--seed $(SEED))
	tests/crash/one-shot-drains --bin $(BIN)

fuzz: ## hostile input for every parser, SECONDS=10 for each; SEED=N repeats a run (tests/fuzz/README.md)
	tests/fuzz/run --seconds $(or $(SECONDS),10) $(if $(SEED),--seed $(SEED))

soak: artifacts/.built artifacts/.sink ## the long versions, hours: packages and units; all crash points, faults and power cuts, 5,000 random kills, 100,000 messages, 10 minutes of load; fuzzing
	tests/deb/run
	tests/deb/systemd --as-built
	tests/crash/every-call --bin $(BIN) --all
	tests/crash/every-call --journal --bin $(BIN) --all
	tests/crash/power-cut --bin $(BIN) --all
	for on in ext4 fast_commit xfs; do tests/crash/snapshots --bin $(BIN) --filesystem $$on --rounds 50 || exit 1; done
	tests/crash/every-fault --bin $(BIN) --all
	tests/crash/every-fault --journal --bin $(BIN) --all
	tests/crash/one-shot-drains --bin $(BIN) --runs 60
	tests/crash/kill-random --bin $(BIN) --kills 5000
	tests/crash/kill-random --journal --bin $(BIN) --kills 1000
	tests/crash/soak --bin $(BIN) --minutes 10
	tests/fuzz/run --seconds 45 --seed $(or $(SEED),$(shell date +%s))

bench: $(if $(filter artifacts/bin,$(BIN)),artifacts/.built) ## side by side with other mail systems (root, Debian, 25 minutes); writes docs/bench.md and docs/bench.svg; ONLY=MEASURE[,..] prints some
	tests/bench/run --bin $(BIN) $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS))

rpi: ## cross-compile to artifacts/RID: RID=linux-arm64 (default) or linux-arm; rpi/README.md says what it needs
	scripts/build $(RID)

install: $(if $(filter artifacts/bin,$(BIN)),artifacts/.built) ## install the programs of BIN below DESTDIR and PREFIX (default /usr)
	scripts/install "$(DESTDIR)" "$(PREFIX)" "$(BIN)"

uninstall: ## remove what install put there; mail, configuration and users stay
	scripts/uninstall "$(DESTDIR)" "$(PREFIX)" "$(BIN)"

deb: $(if $(filter file,$(origin RID)),artifacts/.built) ## the Debian packages qmta and qmta-mini in artifacts/deb; RID=linux-arm64 after "make rpi" for a board
	scripts/deb $(if $(filter file,$(origin RID)),,$(RID))

test-deb: artifacts/.built artifacts/.sink ## install, set up, upgrade and purge the packages in a clean Debian (root, debootstrap)
	tests/deb/run
	tests/deb/systemd --as-built

man: ## check the man pages: mandoc -Tlint, and a page for every program and control file
	tests/man/run

clean: ## remove what was built
	rm -rf artifacts run
	find src tests \( -name bin -o -name obj \) -type d -prune -exec rm -rf {} +
