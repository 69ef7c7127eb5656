#!/usr/bin/env python3
"""Fetch the packages that packages.txt names, through pip and from where it is set up to look.

Many are source distributions without a setup.py, for MicroPython's own installer: pip finds and
downloads them, but would not unpack them.
"""

import fcntl
import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

from pip._internal.commands import create_command

HERE = Path(__file__).resolve().parent


def wanted(path=HERE / "packages.txt"):
    """(name, version, sha256) of each line."""
    lines = path.read_text().splitlines()
    return [tuple(line.split()) for line in lines if line and not line.startswith("#")]


class Index:
    """What pip would download."""

    def __init__(self):
        command = create_command("download")
        options, _ = command.parse_args(["--no-deps", "--retries", "2", "none"])
        command.verbosity = 0
        self.session = command._build_session(options)
        self.finder = command._build_package_finder(options, self.session)
        self.finder.format_control.no_binary.add(":all:")

    def candidates(self, name):
        return self.finder.find_all_candidates(name)

    def get(self, name, version, sha256):
        for one in self.candidates(name):
            if str(one.version) == version and one.link.hash in (None, sha256):
                answer = self.session.get(one.link.url_without_fragment)
                answer.raise_for_status()
                if hashlib.sha256(answer.content).hexdigest() == sha256:
                    return one.link.filename, answer.content
        raise SystemExit(f"fetch: no {name} {version} with the hash {sha256} where pip looks")


def unpack(filename, data, folder):
    """Its files, without the one folder that they all are in."""
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    if filename.endswith((".whl", ".zip")):
        zipfile.ZipFile(io.BytesIO(data)).extractall(part)
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive.getmembers():
                target = (part / member.name).resolve()
                if member.isfile() and target.is_relative_to(part.resolve()):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.extractfile(member).read())
    inside = list(part.iterdir())
    if len(inside) == 1 and inside[0].is_dir() and not filename.endswith(".whl"):
        inside[0].rename(folder)
        part.rmdir()
    else:
        part.rename(folder)


def main():
    cache = Path(sys.argv[1])
    cache.mkdir(parents=True, exist_ok=True)
    index = None
    with open(cache / ".lock", "w") as lock:
        # One at a time: the next finds all of it there.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, version, sha256 in wanted():
            folder = cache / f"{name}-{version}-{sha256[:8]}"
            if not folder.exists():
                index = index or Index()
                unpack(*index.get(name, version, sha256), folder)


if __name__ == "__main__":
    main()
