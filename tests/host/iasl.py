"""Debian's acpica-tools, which tests hold the kernel's ACPI to, and tables for both."""

import lzma
import subprocess
import tarfile
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2].parent / "shared/corpus/acpi-machines.tar.xz"


def run(*command, cwd):
    """A tool's output. They end with a status of their own, whatever they have done."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=100,
    )
    return done.stdout.decode("latin-1")


def compile(source, folder, name="table"):
    """The bytes of a table in ASL, or in the language that iasl has for others."""
    (folder / f"{name}.asl").write_text(source)
    aml = folder / f"{name}.aml"
    aml.unlink(missing_ok=True)
    said = run("iasl", "-f", "-oa", "-p", folder / name, folder / f"{name}.asl", cwd=folder)
    assert aml.exists(), said
    return aml.read_bytes()


def template(kind, folder):
    """The table that iasl makes as a sample of its kind."""
    run("iasl", "-T", kind, cwd=folder)
    return compile((folder / f"{kind.lower()}.asl").read_text(), folder, kind)


def disassemble(data, folder):
    """What iasl -d says of a table: a line for each field."""
    (folder / "given.dat").write_bytes(data)
    said = folder / "given.dsl"
    said.unlink(missing_ok=True)
    output = run("iasl", "-d", "given.dat", cwd=folder)
    assert said.exists(), output
    text = said.read_text("latin-1").partition("FieldName : FieldValue")[2]
    return lines(text.partition("Raw Table Data")[0].partition("\n */")[2])


def lines(text):
    """The lines of fields, without what is said of the whole table."""
    found = [line.rstrip() for line in text.splitlines() if line.strip()]
    return [line for line in found if not line.startswith(("****", "/***", "//"))]


def machines_here():
    """Real machines' tables, where there are any: a dict of names to dicts of tables' bytes."""
    found = {}
    if CORPUS.exists():
        with lzma.open(CORPUS) as packed, tarfile.open(fileobj=packed) as tar:
            for member in tar:
                if member.isfile():
                    machine, name = member.name.removeprefix("./").split("/")
                    data = tar.extractfile(member).read()
                    found.setdefault(machine, {})[name.removesuffix(".dat")] = data
    return found


@pytest.fixture(scope="session")
def machines():
    return machines_here()
