# SPDX-License-Identifier: GPL-2.0
# Rill: the kernel module, its tools, and what proves them.  `make help` lists
# the targets.

# KDIR: the kernel to build for.  Unless given: the running kernel's headers, or
# else the newest that are installed, which is then said.
ifndef KDIR
KERNELRELEASE ?= $(shell uname -r)
KDIR := $(wildcard /lib/modules/$(KERNELRELEASE)/build)
ifndef KDIR
KDIR := $(lastword $(shell ls -dv /usr/src/linux-headers-*-amd64 2>/dev/null; ls -dv /lib/modules/*/build 2>/dev/null))
KDIR_SAID := rill: no headers for the running kernel $(KERNELRELEASE): building for $(or $(KDIR),nothing)
endif
endif
# Its release, where every kernel has it right: Debian's headers answer
# `make kernelrelease` with the version alone.
KVER = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)

PREFIX ?= /usr/local
DESTDIR ?=
# The guest kernel (stock or debug) and the one kselftest to run (all).
K ?= stock
T ?=
VM := selftests/vm

all: modules tools	## build module/rill.ko and tools/rill (default); KDIR= names another kernel

modules:		## build module/rill.ko alone; W=1 and C=1 as Linux's build takes them
ifdef KDIR_SAID
	@echo '$(KDIR_SAID)'
endif
	@[ -d "$(KDIR)/scripts" ] || { echo 'rill: no kernel headers at "$(KDIR)": make deps installs some, KDIR= names others' >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tools:			## build tools/rill alone
	$(MAKE) -C tools

install: modules tools	## install module, tools and header; DESTDIR and PREFIX (/usr/local)
	install -D -m 644 module/rill.ko $(DESTDIR)/lib/modules/$(KVER)/updates/rill.ko
	$(if $(DESTDIR),,/sbin/depmod $(KVER))
	$(MAKE) -C tools install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	install -D -m 644 uapi/linux/rill.h $(DESTDIR)$(PREFIX)/include/linux/rill.h

uninstall:		## remove what install put there
	rm -f $(DESTDIR)/lib/modules/$(KVER)/updates/rill.ko
	$(if $(DESTDIR),,/sbin/depmod $(KVER))
	$(MAKE) -C tools uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)
	rm -f $(DESTDIR)$(PREFIX)/include/linux/rill.h

demo:			## real programs over AF_RILL in a virtual machine; installs what it needs
	@$(VM)/demo-run.sh

check:			## everything that proves it; ends with "N passed, N failed, N skipped"
	@$(VM)/check.sh

shell:			## a prompt in the guest with the module loaded; K=debug for the debug kernel
	@$(VM)/shell.sh -k $(K)

perf:			## Rill beside TCP over a veth in the guest: throughput, round trip, connections
	@$(VM)/perf.sh

lines:			## Rill beside TCP over lines with loss, reordering, jitter and queues, in the guest
	@$(VM)/lines.sh

kselftest:		## the kselftests in the guest; K=stock|debug, T='name...' for some of them
	@$(VM)/kselftest.sh -k $(K) $(T)

unit sim fuzz:		## the engine's tests, on this machine
	$(MAKE) -C selftests/$@ check

plots:			## tools/plots/*.svg: the simulator's CUBIC and BBR side by side
	$(MAKE) -C selftests/sim plots

model:			## Spin models of opening, closing and the life of sockets
	@selftests/model/model.sh

coverage:		## lines and MC/DC of module/core under unit tests, scenarios and SEEDS seeds
	@selftests/coverage/coverage.sh

mutants:		## would the tests notice a change in module/core?  MUTANTS=50 SEED=1 FILES=
	@python3 selftests/mutants/mutants.py

conformance:		## does every test that module/CONFORMANCE.md names exist, and did it run?
	@$(VM)/conformance.sh

lint:			## W=1, sparse and shellcheck, each without a word
	@$(VM)/lint.sh

debug-kernel:		## build the debug kernel (cached; 5 minutes)
	@$(VM)/kernel.sh debug

deps:			## install the packages that building needs
	@$(VM)/deps.sh

clean:			## remove what was built here; the cache in ~/.cache/rill (RILL_CACHE=) stays
	rm -rf build
	rm -f $(foreach e,*.o *.ko *.mod *.mod.c .*.cmd .*.d modules.order Module.symvers, \
		$(e) module/$(e) module/core/$(e))
	for d in tools selftests/unit selftests/sim selftests/fuzz; do \
		[ ! -e $$d/Makefile ] || $(MAKE) -C $$d clean || exit; done

help:			## this list
	@sed -n 's/^\([a-z][a-z -]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS="$$(printf '\t')" read -r t text; do printf '  %-14s %s\n' "$$t" "$$text"; done

.PHONY: all modules tools install uninstall demo check shell perf lines kselftest unit sim fuzz plots \
	model coverage mutants conformance lint debug-kernel deps clean help
