#!/usr/bin/env python3
"""Fetches the MicroPython source into DIR/micropython-VERSION, checks it and never changes it.

MPY_SOURCE=debian  Debian's source package, checked against its SHA-256; the default on Debian
MPY_SOURCE=git     a shallow clone of upstream's tag, checked against its commit; elsewhere
MPY_GIT=URL        the repository for MPY_SOURCE=git
MPY_COMMIT=HASH    the commit that the tag must stand for there
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "1.25.0"
SUITE = "trixie"
TARBALL = f"micropython_{VERSION}+ds.orig.tar.xz"
SHA256 = "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"
GIT = "https://github.com/micropython/micropython"
COMMIT = "f498a16c7db6d4b2de200b3e0856528dfe0613c3"


class FetchError(Exception):
    pass


def run(*command, cwd=None):
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )
    if done.returncode:
        raise FetchError(done.stdout.strip())
    return done.stdout


def os_release():
    try:
        text = Path("/etc/os-release").read_text()
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text)}


def deb822_stanzas(text):
    """The stanzas of a *.sources file, each as a dict of its fields in lower case."""
    text = "".join(line for line in text.splitlines(True) if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        fields = re.findall(r"(?m)^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza)
        if fields:
            yield {name.lower(): value.strip() for name, value in fields}


def one_line_stanzas(text):
    """The same from a *.list file."""
    for line in text.splitlines():
        match = re.match(r"\s*(deb(?:-src)?)\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)([^#]*)", line)
        if match:
            kind, options, uri, suite, components = match.groups()
            stanza = dict(option.split("=", 1) for option in (options or "").split())
            yield stanza | {
                "types": kind,
                "uris": uri,
                "suites": suite,
                "components": components.strip(),
            }


def source_entries(etc, codename):
    """The machine's own Debian entries as `deb-src` entries for SUITE, the likeliest first."""
    files = [etc / "sources.list", *sorted(etc.glob("sources.list.d/*"))]
    found = {}
    for file in files:
        if not file.is_file() or file.suffix not in (".list", ".sources"):
            continue
        parse = deb822_stanzas if file.suffix == ".sources" else one_line_stanzas
        for stanza in parse(file.read_text(errors="replace")):
            suites = {SUITE, codename, "stable", "oldstable", "testing", "unstable", "sid"}
            if (
                "main" in stanza.get("components", "").split()
                and suites & set(stanza.get("suites", "").split())
                and stanza.get("enabled", "yes") != "no"
                and not stanza["uris"].startswith("cdrom:")
            ):
                stanza |= {"types": "deb-src", "suites": SUITE, "components": "main"}
                for name in ("arch", "architectures", "enabled"):
                    stanza.pop(name, None)
                entry = "".join(f"{name.title()}: {value}\n" for name, value in stanza.items())
                # Other archives use Debian's suite names too, hence the order and the attempts.
                found.setdefault(entry, not stanza["uris"].rstrip("/").endswith("debian"))
    return sorted(found, key=found.get)


def fetch_debian(work):
    """Takes the source package with an apt state of its own, next to the system's."""
    entries = source_entries(Path("/etc/apt"), os_release().get("VERSION_CODENAME"))
    if not entries:
        raise FetchError("No entry for Debian's archive was found in /etc/apt.")
    error = ""
    for number, entry in enumerate(entries):
        state = work / f"apt{number}"
        for name in ("lists/partial", "archives/partial"):
            (state / name).mkdir(parents=True)
        (state / "src.sources").write_text(entry)
        apt = ["apt-get", "-q"]
        for option in (
            f"Dir::Etc::SourceList={state}/src.sources",
            "Dir::Etc::SourceParts=-",
            f"Dir::State::Lists={state}/lists",
            f"Dir::Cache={state}",
            "APT::Sandbox::User=",
            "Acquire::Languages=none",
        ):
            apt += ["-o", option]
        try:
            run(*apt, "update")
            run(*apt, "source", "--download-only", "--tar-only", "micropython", cwd=work)
            break
        except FetchError as failed:
            error += f"{failed}\n"
    else:
        raise FetchError(error.strip())

    tarball = work / TARBALL
    if not tarball.exists():
        raise FetchError(f"{SUITE} has no {TARBALL} any more.")
    sha256 = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if sha256 != SHA256:
        raise FetchError(f"{TARBALL} is not the expected one: SHA-256 {sha256}, not {SHA256}.")
    source = work / "source"
    source.mkdir()
    run("tar", "-xJf", tarball, "-C", source, "--strip-components=1", "--no-same-owner")
    return source


def fetch_git(work):
    source = work / "source"
    url = os.environ.get("MPY_GIT") or GIT
    tag = f"v{VERSION}"
    run("git", "clone", "-q", "--depth=1", f"--branch={tag}", url, source)
    commit = run("git", "-C", source, "rev-parse", "HEAD").strip()
    expected = os.environ.get("MPY_COMMIT") or COMMIT
    if commit != expected:
        raise FetchError(
            f"{tag} of {url} is not the expected one: commit {commit}, not {expected}."
        )
    return source


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dir", metavar="DIR", type=Path)
    deps = parser.parse_args().dir.resolve()
    target = deps / f"micropython-{VERSION}"
    if target.exists():
        return 0

    is_debian = os_release().get("ID") == "debian" and shutil.which("apt-get")
    way = os.environ.get("MPY_SOURCE") or ("debian" if is_debian else "git")
    ways = {"debian": fetch_debian, "git": fetch_git}
    if way not in ways:
        print(f"setup: MPY_SOURCE={way}? It is debian or git.", file=sys.stderr)
        return 1

    print(f"setup: fetching the MicroPython {VERSION} source (MPY_SOURCE={way})", flush=True)
    deps.mkdir(parents=True, exist_ok=True)
    for left in deps.glob("partial-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=deps, prefix="partial-") as work:
        try:
            # Only what is fetched, checked and unpacked whole gets the name that counts.
            ways[way](Path(work)).rename(target)
        except FetchError as failed:
            print(
                f"{failed}\n"
                f"setup: Could not fetch the MicroPython {VERSION} source, see above.\n"
                "setup: It takes the network; when there is, run this again. Or try\n"
                f"setup:   MPY_SOURCE={'git' if way == 'debian' else 'debian'}  another place\n"
                "setup:   MPY_DIR=DIR  a checkout of your own",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
