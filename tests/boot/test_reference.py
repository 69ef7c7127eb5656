"""modules/README.md is the reference: complete, true, and what help() prints in short."""

import pytest
import reference
from ringzero_vm import ROOT
from transcripts import blocks, examples, run

README = ROOT / "modules" / "README.md"
ENTRIES = reference.parse(README.read_text())
# Of these upstream's own names are upstream's to describe.
EXTENDED = {"network", "os"}

pytestmark = pytest.mark.board("microvm")


def names_of(kind):
    return {entry.name for entry in ENTRIES if kind(entry.name.count("."))}


MODULES = names_of(lambda dots: dots == 0)
DOCUMENTED = names_of(lambda dots: dots > 0) | {
    name for entry in ENTRIES for name in reference.names_of_values(entry)
}


def public(vm, name):
    """What a module or a class has for everybody."""
    vm.exec(f"import {name.partition('.')[0]}")
    names = vm.eval(f"[n for n in dir({name}) if n[0] != '_']")
    return {f"{name}.{one}" for one in names}


def test_complete(vm):
    """Each public name of the modules is in the reference, and nothing that they have not."""
    found = set()
    for module in MODULES - EXTENDED:
        found |= public(vm, module)
    for name in sorted(names_of(lambda dots: dots == 1)):
        vm.exec(f"import {name.partition('.')[0]}")
        if vm.eval(f"isinstance({name}, type)"):
            found |= public(vm, name)
    upstream = {name for name in DOCUMENTED if name.rpartition(".")[0] in EXTENDED}
    documented = DOCUMENTED - upstream
    assert found - documented == set()
    assert documented - found == set()
    for name in upstream:
        vm.exec(f"{name}")


def test_modules(vm):
    """Each module that is the kernel's own is in the reference."""
    listed = vm.exec("help('modules')").split()
    assert set(listed) >= MODULES
    assert {"bootinfo", "cmdline", "frames", "machine", "memmap", "pages", "ramdisk"} <= MODULES


def test_help(vm):
    """help() of a module, a function, a class or an object prints the reference's text of it."""
    vm.exec("".join(f"import {module}\n" for module in sorted(MODULES)))
    for entry in ENTRIES:
        got = vm.exec(f"help({entry.name})")
        want = reference.short(entry, ENTRIES) + "\n"
        assert got.startswith(want), entry.name
        # MicroPython's own list of what is in a module comes after it.
        assert ("is of type" in got) == ("." not in entry.name), entry.name
    assert vm.exec("p = pages.alloc()\nhelp(p)\np.close()").startswith("pages.Pages\n")
    assert vm.exec("help(5)").startswith("object 5 is of type int\n")
    assert "None is of type NoneType" in vm.exec("help(None)")


def test_examples(boot):
    """Every example does in the kernel what it says, on a machine without SMBIOS."""
    vm = boot(board="microvm").boot()
    problems = []
    count = 0
    for line, text in blocks(README, "python"):
        for example in examples(text):
            count += 1
            problem = run(vm, example)
            if problem:
                problems.append(f"line {line + example.lineno}: {problem}")
    assert problems == []
    assert count > 40
