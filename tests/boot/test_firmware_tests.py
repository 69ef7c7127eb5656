"""firmware_tests ends on every machine, fails where firmware is wrong, and becomes JUnit's XML."""

import re
from xml.etree import ElementTree

import pytest
from ringzero_junit import junit

PROGRAM = "import firmware_tests, sys\nsys.exit(firmware_tests.run())\n"


@pytest.mark.parametrize("board", ["q35", "pc", "microvm", "microvm,acpi=off"])
def test_machines(boot, app, board):
    """It ends; what fails is known, its number is the status; a machine without ACPI skips it.

    Of SMBIOS SeaBIOS makes less than it should, and it is microvm's firmware, too, where that has
    ACPI and QEMU is Debian 13's.
    """
    board_name, _, option = board.partition(",")
    extra = ["-machine", option] if option else []
    smp = 2 if board_name == "q35" else 1
    vm = boot(board=board_name, smp=smp, app=app(PROGRAM), extra=extra)
    status = vm.wait_exit()
    said = vm.transcript().replace("\r", "")
    lines = re.findall(r"^(PASS|FAIL|SKIP) (\w+): (.*)$", said, re.MULTILINE)
    failures = [check for outcome, check, _ in lines if outcome == "FAIL"]
    has_smbios = any(check == "smbios" and outcome == "PASS" for outcome, check, _ in lines)
    assert has_smbios or "microvm" in board
    assert set(failures) == ({"smbios_required"} if has_smbios else set())
    assert "all of it" not in said
    passed = sum(outcome == "PASS" for outcome, _, _ in lines)
    assert f"Summary: {passed} passed, {len(failures)} failed\n" in said
    assert status == len(failures)
    assert ("SKIP rsdp: RSDP: there is none" in said) == bool(option)
    suite = ElementTree.fromstring(junit(said))
    assert len(suite.findall("testcase")) == len(lines) == int(suite.get("tests"))
    assert len(suite.findall("testcase/failure")) == len(failures)


def test_damaged(boot, folder):
    """Of a table that QEMU is given, with a structure that has no end, the layout fails."""
    (folder / "body").write_bytes(b"\0" * 12 + b"\0\x20")
    extra = ["-acpitable", f"sig=SRAT,rev=3,data={folder / 'body'}"]
    vm = boot(extra=extra).boot()
    vm.exec("import firmware_tests")
    said = vm.exec("firmware_tests.run('checksum', 'layout')")
    assert "PASS checksum: sum of SRAT's bytes: expected 0, found 0" in said
    assert "FAIL layout: SRAT's structures: expected complete, found SRAT: " in said
    assert "layout" in vm.eval("firmware_tests.names()")
