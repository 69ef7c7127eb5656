"""Fetches packages of another release of this system, next to apt's own state.

The archive is the one that /etc/apt already names, asked for another suite, so that a mirror or
a proxy that this machine needs is used. Nothing is installed and it takes no root.
"""

import os
import re
import subprocess
from pathlib import Path

# What an entry says about its archive, whichever suite is asked for.
KEPT_FIELDS = ("uris", "signed-by", "trusted", "allow-insecure", "check-valid-until", "check-date")


class FetchError(Exception):
    """Something could not be fetched; the text is what the tool said."""


def run(*command, cwd=None):
    """The output of a command that needs no input, or FetchError with it."""
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C.UTF-8", "GIT_TERMINAL_PROMPT": "0"},
    )
    if done.returncode:
        raise FetchError(done.stdout.strip())
    return done.stdout


def os_release(file="/etc/os-release"):
    """The fields of os-release, such as ID and VERSION_CODENAME."""
    try:
        text = Path(file).read_text()
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text)}


def parse_sources(text):
    """The stanzas of a *.sources file, each a dict of its fields, in lower case."""
    text = "".join(line for line in text.splitlines(True) if not line.startswith("#"))
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = re.findall(r"(?m)^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza)
        if fields:
            yield {name.lower(): value.rstrip() for name, value in fields}


def parse_list(text):
    """The lines of sources.list or a *.list file, as such stanzas."""
    for line in text.splitlines():
        match = re.match(r"\s*(deb|deb-src)\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)([^#]*)", line)
        if match:
            kind, options, uri, suite, components = match.groups()
            stanza = dict(re.findall(r"([\w-]+)=(\S+)", options or ""))
            stanza |= {"types": kind, "uris": uri, "suites": suite, "components": components}
            yield stanza


def entries(kind, suite, component, etc="/etc/apt", codename=None):
    """This system's own archives as *.sources stanzas for one suite, the likeliest first."""
    suites = {suite, codename, "stable", "oldstable", "testing", "unstable", "sid"}
    found = {}
    for file in [Path(etc, "sources.list"), *sorted(Path(etc).glob("sources.list.d/*"))]:
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        parse = parse_sources if file.suffix == ".sources" else parse_list
        for stanza in parse(file.read_text(errors="replace")):
            if (
                component in stanza.get("components", "").split()
                and suites & set(stanza.get("suites", "").split())
                and stanza.get("enabled", "yes") != "no"
                and not stanza.get("uris", "cdrom:").startswith("cdrom:")
            ):
                entry = f"Types: {kind}\nSuites: {suite}\nComponents: {component}\n"
                for name in KEPT_FIELDS:
                    if name in stanza:
                        entry += f"{name.title()}: {stanza[name]}\n".replace(": \n", ":\n")
                # Other archives borrow the names of suites: hence the order, and the attempts.
                likely = stanza["uris"].rstrip("/").endswith(("debian", "ubuntu"))
                found[entry] = max(likely, found.get(entry, False))
    return sorted(found, key=found.get, reverse=True)


def fetch(work, kind, suite, component, *command, etc="/etc/apt"):
    """Runs an apt-get command in the folder `work` with one suite as the only source."""
    errors = []
    candidates = entries(kind, suite, component, etc, os_release().get("VERSION_CODENAME"))
    for number, entry in enumerate(candidates):
        state = work / f"apt{number}"
        for name in ("lists/partial", "archives/partial"):
            (state / name).mkdir(parents=True)
        (state / "only.sources").write_text(entry)
        apt = ["apt-get", "-qq"]
        for option in (
            f"Dir::Etc::SourceList={state}/only.sources",
            "Dir::Etc::SourceParts=-",
            f"Dir::State::Lists={state}/lists",
            f"Dir::Cache={state}",
            "Dir::State::Status=/dev/null",
            "APT::Sandbox::User=",
            "APT::Update::Error-Mode=any",
            "Acquire::Languages=none",
        ):
            apt += ["-o", option]
        try:
            run(*apt, "update")
            run(*apt, *command, cwd=work)
            return
        except FetchError as failed:
            errors.append(str(failed))
    raise FetchError("\n".join(errors) or f"No archive in {etc} is one to ask for {suite}.")
