"""smbios says of the machine what dmidecode says of the table that QEMU's firmware has left."""

import hashlib
import runpy
import shutil
import subprocess

import pytest
import ringzero_vm

LAYOUTS = sorted((ringzero_vm.ROOT / "modules" / "layouts").glob("*.py"))

# No user has its folder on the path.
DMIDECODE = shutil.which("dmidecode") or "/usr/sbin/dmidecode"

SMBIOS = """
    -smbios type=0,vendor=Ada,version=1.2,date=11/27/2026,release=3.4,uefi=on
    -smbios type=1,manufacturer=Ada,product=Engine,serial=7,sku=S,family=F
    -smbios type=1,uuid=00112233-4455-6677-8899-aabbccddeeff
    -smbios type=2,manufacturer=M,product=Board,asset=A,location=here
    -smbios type=3,manufacturer=Case,version=2,sku=K
    -smbios type=4,sock_pfx=CPU,manufacturer=Maker,max-speed=3000,current-speed=2000
    -smbios type=8,internal_reference=J1,external_reference=USB1,connector_type=18,port_type=16
    -smbios type=11,value=first,value=second
    -smbios type=17,loc_pfx=DIMM,bank=B,manufacturer=Chips,serial=9,part=P,speed=3200
    -device e1000,id=net -smbios type=41,designation=Net,kind=ethernet,instance=1,pcidev=net
""".split()


def dmidecode(vm, folder):
    """What dmidecode says of the bytes that the guest has: its lines from the first handle on."""
    addr, size = vm.eval("(table.addr, table.size)")
    (folder / "data").write_bytes(vm.memory(addr, size))
    # The tool wants it at 32 in a file, behind an entry point that says so.
    version = vm.eval("table.version")
    entry = bytearray(b"_SM3_\0\x18" + bytes((*version, 0)[:3]) + b"\1\0")
    entry += size.to_bytes(4, "little") + (32).to_bytes(8, "little")
    entry[5] = -sum(entry) & 255
    file = folder / "dump"
    file.write_bytes(bytes(entry).ljust(32, b"\0") + (folder / "data").read_bytes())
    done = subprocess.run(
        [DMIDECODE, "--from-dump", file],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return handles(done.stdout)


def handles(text):
    text = text.replace("\r", "")
    return ("Handle " + text.partition("\nHandle ")[2]).strip().split("\n")


@pytest.mark.parametrize("board", ["q35", "pc", "q35,smbios-entry-point-type=64"])
def test_as_dmidecode(boot, folder, board):
    """Tables of both kinds of entry point, of all types that QEMU makes."""
    extra = list(SMBIOS)
    board, _, option = board.partition(",")
    if option:
        extra += ["-machine", option]
    vm = boot(board=board, smp=2, extra=extra).boot()
    vm.exec("import smbios; table = smbios.table()")
    assert vm.eval("table.problem") is None
    assert vm.eval("table.count is None") == bool(option)
    kinds = vm.eval("[one.type for one in table.structures]")
    assert set(kinds) == {0, 1, 2, 3, 4, 8, 11, 16, 17, 19, 32, 41, 127}
    printed = vm.exec("smbios.show()")
    assert handles(printed) == dmidecode(vm, folder)
    found = vm.eval("smbios.structures(1)[0]['UUID']")
    assert found == "00112233-4455-6677-8899-aabbccddeeff"
    assert len(vm.exec("smbios.show(4)").replace("\r", "").strip().split("\n\n")) == 1


@pytest.mark.parametrize("name", [path.stem for path in LAYOUTS])
def test_layouts(vm, name):
    """What is frozen compressed is, unpacked, what modules/layouts/ has."""
    text = runpy.run_path(str(ringzero_vm.ROOT / "modules" / "layouts" / f"{name}.py"))["TEXT"]
    found = vm.eval(f"__import__('hashlib').sha256(__import__({name!r}).TEXT.encode()).digest()")
    assert found == hashlib.sha256(text.encode()).digest()


def test_none(boot):
    """A machine without one says so."""
    vm = boot(board="microvm").boot()
    with pytest.raises(ringzero_vm.GuestError, match="ValueError: SMBIOS: no entry point"):
        vm.exec("import smbios; smbios.show()")
