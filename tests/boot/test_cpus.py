"""The machine's other CPUs: found, started, and back at a soft reset."""

import ast
import random
import re
import time

import pytest
from ringzero_vm import PANIC, GuestError, Panic

ASK = """
import cpus, frames
ids = [cpu.apic_id for cpu in cpus.all()]
print((len(ids), ids, cpus.here(), frames.check(), frames.stats().cpus))
"""


def ask(vm, timeout=-1):
    """How many CPUs came up, and their APIC ids."""
    count, ids, here, good, shared = ast.literal_eval(vm.exec(ASK, timeout).strip())
    assert here == 0 and good and shared == count
    return count, ids


@pytest.mark.board("q35", "pc", "microvm")
@pytest.mark.smp(1, 2, 3, 4, 8)
def test_start(vm, smp):
    """Each CPU of the table comes up when first asked for; a reset gives all frames back."""
    vm.soft_reset()
    first = vm.eval("tuple(__import__('frames').stats())")
    for _ in range(2):
        assert ask(vm) == (smp, list(range(smp)))
        vm.soft_reset()
        assert vm.eval("tuple(__import__('frames').stats())") == first


@pytest.mark.board("q35", "microvm")
@pytest.mark.parametrize("option, count", [("cpus=2", 2), ("cpus=1", 1), ("cpus=8", 3)])
def test_limit(boot, board, option, count):
    """cpus=COUNT on the command line has no more of them started."""
    vm = boot(board=board, smp=3, append=option).boot()
    assert ask(vm) == (count, list(range(count)))
    vm.soft_reset()
    assert ask(vm)[0] == count


def test_all_at_the_start(boot):
    """cpus=all has them up before the prompt."""
    vm = boot(smp=3, append="cpus=all").boot()
    assert vm.eval("__import__('frames').stats().cpus") == 3


@pytest.mark.parametrize("smp", [1, 2])
def test_all_in_a_hard_callback(vm, smp):
    """Who has asked once has the answer, in an interrupt as well, whatever it is."""
    vm.exec(f"""
        import cpus, machine, time
        assert len(cpus.all()) == {smp}
        seen = []
        def callback(timer):
            seen.append(cpus.all() is known)
        known = cpus.all()
        machine.Timer(mode=machine.Timer.ONE_SHOT, period=1, hard=True, callback=callback)
        time.sleep_ms(100)
        assert seen == [True], seen
    """)


def test_start_for_want_of_memory(boot):
    """Where no memory is free to start others, they start when some is."""
    vm = boot(smp=2).boot()
    vm.exec("import cpus, frames\nlow = []")
    with pytest.raises(GuestError, match="MemoryError"):
        vm.exec("while True: low.append(frames.alloc(below=1 << 20))")
    for _ in range(2):
        said = "cpus: no frame below 1 MiB to start others from\n1\n"
        assert vm.exec("print(len(cpus.all()))") == said
    vm.exec("for one in low: frames.free(one)")
    assert vm.exec("print(len(cpus.all()))") == "2\n"


@pytest.mark.parametrize("smp", [64, 255])
def test_many(boot, smp):
    """As many as APIC ids of 8 bits name."""
    vm = boot(memory="1G", smp=smp, wait=600.0).boot()
    assert ask(vm) == (smp, list(range(smp)))
    vm.soft_reset()
    assert vm.eval("__import__('frames').stats().cpus") == 1


def test_reset_of_an_idle_cpu(boot):
    """Resetting a CPU that does nothing changes nothing; CPU 0 is not reset like that."""
    vm = boot(smp=3).boot()
    assert ask(vm)[0] == 3
    assert (
        vm.exec("""
        before = frames.stats()
        for _ in range(20):
            cpus.all()[1].reset()
            cpus.all()[2].reset()
        try:
            cpus.all()[0].reset()
        except ValueError as error:
            print(error)
        print(frames.stats() == before, frames.check())
    """)
        == "CPU 0 is reset by a soft reset\nTrue True\n"
    )


RESETS = """
import cpus, frames, pages, time
cpu = cpus.all()[1]
cpu.run("1").result()
cpu.reset()
before = frames.stats().free
def hold(text, seconds=0.05):
    \"\"\"It runs, and has got so far.\"\"\"
    call = cpu.run(text)
    while not call.done() and repr(call).find("running") < 0:
        pass
    time.sleep(seconds)
    return call
def ended(call):
    try:
        call.result()
    except RuntimeError as error:
        return str(error)
"""


def test_reset(boot):
    """Whatever a CPU is in the middle of, a reset ends it, and all of its frames come back."""
    vm = boot(smp=2).boot()
    vm.exec(RESETS)
    for text in (
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
        "x = []\nwhile True: x.append(bytearray(100000))\n",
        "import pages\nwhile True:\n  p = pages.alloc(700)\n  if p.addr % 3: p.close()\n",
        "while True: [str(i) for i in range(1000)].sort()",
        "import time\ntime.sleep(1000)",
        "import _thread, time\nfor i in range(9): _thread.start_new_thread(time.sleep, (9,))\n"
        "while True: pass",
        "import micropython\n@micropython.native\ndef f():\n  while True: pass\nf()",
        "x = 3 ** 10000000",
        "import machine\ndef f(t):\n  while True: pass\n"
        "machine.Timer(period=1, hard=True, callback=f)\nwhile True: pass",
        "import cpus\nq = cpus.Queue()\nq.get()",
        "import cpus\nlock = cpus.Lock()\nlock.acquire()\nwhile True: lock.locked()",
    ):
        for _ in range(3):
            out = vm.exec(
                f"call = hold({text!r})\ncpu.reset()\nprint(ended(call))\n"
                "print(frames.stats().free - before, frames.check())",
                timeout=60,
            )
            assert out.split("\n")[-3:] == ["CPU 1 was reset", "0 True", ""], text
    assert vm.eval("cpu.run('x = 5').result()") is None


def test_reset_of_much(boot):
    """To give back what a CPU has may take seconds: that is no CPU that does not answer."""
    vm = boot(smp=2, memory="2G").boot()
    vm.exec(RESETS)
    much = "import pages\nx = [pages.alloc() for _ in range(330000)]"
    for end in "cpu.reset()", "":
        vm.exec(f"cpu.run({much!r}).result()\n{end}", timeout=60)
    vm.soft_reset()
    assert "cpus:" not in vm.transcript()


THREADS = """
import _thread, time
def f():
    pass
while True:
    for i in range(20):
        _thread.start_new_thread(f, ())
    time.sleep_ms(0)
"""


def test_reset_between_threads(boot):
    """Threads that begin and end at the moment of the reset leave none of their stacks behind."""
    vm = boot(smp=2).boot()
    vm.exec(f"WORK = {THREADS!r}")
    out = vm.exec(
        """
        import cpus, frames, gc, time
        cpu = cpus.all()[1]
        cpu.run("1").result()
        cpu.reset()
        gc.collect()
        before = frames.stats().free
        for i in range(150):
            call = cpu.run(WORK)
            while repr(call).find("running") < 0:
                pass
            time.sleep_us(100 + i * 137 % 5000)
            cpu.reset()
            call = None
            gc.collect()
            if frames.stats().free != before:
                print(i, before - frames.stats().free)
                break
        print(frames.check())
    """,
        timeout=120,
    )
    assert out.strip() == "True"


def test_reset_with_interrupts_off(boot):
    """With interrupts off there is no reset, but shoot-downs work; a soft reset ends it."""
    vm = boot(smp=2).boot()
    vm.soft_reset()
    first = vm.eval("tuple(__import__('frames').stats())")
    vm.exec(RESETS)
    assert "ETIMEDOUT" in vm.exec("""
        call = hold("import machine\\nmachine.disable_irq()\\nwhile True: pass")
        try:
            cpu.reset()
        except OSError as error:
            print(error)
        p = pages.alloc(600)
        va = pages.reserve(600)
        pages.map(va, p.addr, 600)
        pages.unmap(va, 600)
        p.close()
    """)
    vm.soft_reset()
    said = "\ncpus: one had interrupts off and was stopped: open files are lost\n"
    assert said in vm.transcript().replace("\r", "")
    assert vm.eval("tuple(__import__('frames').stats())") == first


def test_soft_reset_of_busy_cpus(boot):
    """A soft reset stops all, whatever they do with frames, pages and messages; none is lost."""
    vm = boot(smp=4).boot()
    vm.soft_reset()
    first = vm.eval("tuple(__import__('frames').stats())")
    for _ in range(4):
        vm.exec("""
            import cpus, time
            work = '''
            import cpus, frames, machine, pages
            queue = cpus.Queue()
            while True:
                p = pages.alloc(3)
                va = pages.reserve(3)
                pages.map(va, p.addr, 3)
                l = [frames.alloc() for _ in range(50)]
                queue.put(bytes(5000))
                pages.unmap(va, 3)
                for addr in l:
                    frames.free(addr)
                queue.get()
                p.close()
                b = [bytearray(1 << 20) for _ in range(3)]
            '''.replace("\\n            ", "\\n")
            calls = [cpu.run(work) for cpu in cpus.all()[1:]]
            time.sleep(0.5)
            assert not any(call.done() for call in calls)
        """)
        vm.soft_reset()
        assert vm.eval("tuple(__import__('frames').stats())") == first
        assert vm.eval("__import__('frames').check()")
    assert ask(vm)[0] == 4


# What another CPU may be in the middle of.
ANYTHING = """
while True: pass
import pages\nwhile True:\n  p = pages.alloc(3); p.close()
import frames\nwhile True:\n  f = frames.alloc(3); frames.free(f, 3)
while True: open('/no')
l = []\nwhile True: l.append(bytearray(1000))
import pages as p\nv = p.reserve(9); f = p.alloc()\nwhile 1: p.map(v, f.addr); p.unmap(v)
import _thread, time\ndef f():\n  while 1: pass\nwhile 1: _thread.start_new_thread(f, ())
import cpus\nq = cpus.Queue()\nwhile True: q.put(bytes(9000)); q.get()
import gc\nwhile True: gc.collect()
import sys\nwhile True:\n  import acpi\n  del sys.modules['acpi']
import asyncio\nasyncio.run(asyncio.sleep(1000))
import machine as m\ndef f(t):\n  while 1: pass\nm.Timer(freq=9, callback=f, hard=1)\nwhile 1: 1
import machine\nwhile True:\n  try: machine.mem8[1 << 63]\n  except FaultError: pass
def f(): f()\nwhile True:\n  try: f()\n  except RuntimeError: pass
x = 1
"""
ANYTHING = [line.replace("\\n", "\n") for line in ANYTHING.strip().split("\n")]


def test_soft_reset_of_anything(boot):
    """Whatever they do, and whatever a finaliser gives back here: the prompt is there."""
    vm = boot(smp=4).boot()
    vm.soft_reset()
    first = vm.eval("tuple(__import__('frames').stats())")
    chosen = random.Random(1)
    for _ in range(60):
        texts = [chosen.choice(ANYTHING) for _ in range(3)]
        vm.exec(
            "import cpus, time\n"
            f"calls = [cpu.run(text) for cpu, text in zip(cpus.all()[1:], {texts})]\n"
            f"time.sleep_ms({chosen.choice((0, 0, 1, 10, 100))})\n"
        )
        vm.soft_reset()
        assert vm.eval("tuple(__import__('frames').stats())") == first, texts
        assert vm.eval("__import__('frames').check()"), texts


def test_panic_names_the_cpu(boot):
    """A panic says on which CPU it was, with that one's registers and Python line."""
    vm = boot(smp=3).boot()
    vm.exec("import cpus; cpus.all()[2].run('while True: pass')")
    vm.exec(NMI_ON_ONE)
    with pytest.raises(Panic) as caught:
        vm.exec("import time; cpus.all()[1].run(SOURCE).result()")
    assert vm.wait_exit() == PANIC
    text = str(caught.value)
    assert text.startswith("panic: CPU 1: exception 2 (NMI)\n")
    assert re.search(r"\brip +0x[0-9a-f]+", text)
    assert re.search(r'python:\n  File "<string>", line 4, in spin', text), text


# To itself by its local APIC, which nobody has asked for.
NMI_ON_ONE = '''
SOURCE = """
import machine
def spin():
  for i in range(10): machine.mem32[0xfee00300] = 0x44400; machine.cpuid(0)
spin()
"""
'''


def test_lines_do_not_mix(boot):
    """What several CPUs print comes out in whole lines, in whatever pieces they print it."""
    vm = boot(smp=3).boot()
    out = vm.exec("""
        import cpus
        def lines(name):
            for i in range(150):
                print(name, i, *[name * k for k in range(8)], sep="-")
        text = '''
        for i in range(150):
            print(name, i, *[name * k for k in range(8)], sep="-")
        '''.replace("\\n        ", "\\n")
        calls = [cpus.all()[n].run("name = %r" % name + text) for n, name in ((1, "x"), (2, "yy"))]
        lines("z")
        for call in calls:
            call.result()
    """)
    # What the raw prompt has said last is the beginning of a line, too.
    found = out.removeprefix("\n").split("\n")[:-1]
    expected = [
        "-".join([name, str(i), *[name * k for k in range(8)]])
        for name in ("x", "yy", "z")
        for i in range(150)
    ]
    assert sorted(found) == sorted(expected)


def test_registers_of_another_cpu(boot):
    """cpuid, rdmsr and wrmsr of a CPU that is in a loop; a #GP there is a FaultError here."""
    vm = boot(smp=3).boot()
    out = vm.exec("""
        import cpus, machine, time
        calls = [cpu.run("while True: pass") for cpu in cpus.all()[1:]]
        time.sleep(0.05)
        print([machine.cpuid(1, cpu=n)[1] >> 24 for n in range(3)])
        print([machine.rdmsr(0x1b, cpu=n) >> 8 & 1 for n in range(3)])
        machine.wrmsr(0xc0000101, 0x1234, cpu=2)  # the base of GS, which nothing uses
        print([machine.rdmsr(0xc0000101, cpu=n) for n in range(3)])
        print(cpus.each(machine.rdmsr, 0xc0000101))
        for value, cpu in (1 << 40, 1), (0, 3):
            try:
                machine.wrmsr(0x6e1, value, cpu=cpu)  # PKRS: its upper half is reserved
            except (FaultError, ValueError) as error:
                print(type(error).__name__, error)
        print([call.done() for call in calls])
    """)
    assert out.split("\n")[:4] == ["[0, 1, 2]", "[1, 0, 0]"] + 2 * ["[0, 0, 4660]"]
    assert re.fullmatch(
        r"FaultError general protection at 0x[0-9a-f]+\n"
        r"ValueError a CPU is 0 to 2, not 3\n\[False, False\]\n",
        out.split("\n", 4)[4],
    )


def test_idle(boot):
    """QEMU uses less than 3 % of a host CPU at the prompt, when others have worked, too."""
    vm = boot(smp=4).boot()
    seconds = 4
    vm.run("")
    for line in "import cpus", "cpus.map(abs, range(100))", "cpus.all()[1].reset()":
        vm.run(line)
        used = vm.cpu_seconds()
        time.sleep(seconds)  # there is nothing to wait for: nothing happens is what is tested
        assert vm.cpu_seconds() - used < 0.03 * seconds, line


FIRMWARE = """
import acpi, bootinfo, memmap, pci
def known():
    import acpi, bootinfo, memmap, pci
    found = []
    for name in "protocol", "addr", "map_addr", "rsdp", "efi", "cmdline", "modules", "in_use":
        found.append(getattr(bootinfo, name))
    found.append(bytes(bootinfo.regions))
    found.append(list(map(tuple, memmap.regions())))
    found.append((memmap.raw(), memmap.total()))
    try:
        for table in acpi.tables():
            found.append((table.signature, table.addr))
    except OSError as e:
        found.append(str(e))
    found.append(list(map(str, pci.devices())))
    return found
def refused():
    import bootinfo, memmap
    for init, args in (bootinfo.init, (1, 0)), (memmap.init, (bootinfo.regions,)):
        try:
            init(*args)
        except RuntimeError:
            continue
        return False
    return True
"""


@pytest.mark.board("q35", "pc", "microvm")
@pytest.mark.smp(3)
def test_firmware_is_known_to_all(vm):
    """Each CPU knows the loader's map, ACPI's tables and the devices, and none may set them."""
    vm.exec("import cpus\n" + FIRMWARE)
    vm.exec("here = known()")
    assert vm.eval("[cpu.run(known).result() == here for cpu in cpus.all()]") == [True] * 3
    assert vm.eval("[cpu.run(refused).result() for cpu in cpus.all()]") == [True] * 3
    assert vm.eval("known() == here")
    # A module that is imported anew finds the same.
    vm.exec("import sys\nfor name in 'memmap', 'bootinfo': del sys.modules[name]")
    assert vm.eval("known() == here")


@pytest.mark.smp(3)
def test_unmap_from_a_thread(vm):
    """A mapping that a thread on its own stack changes has changed for all CPUs."""
    vm.exec("""
        import _thread, cpus, pages, machine, time
        va = pages.reserve(1)
        both = pages.alloc(2)
        both[0], both[4096] = 1, 2
        def look(va):
            import machine
            return machine.mem8[va]
        others = cpus.all()[1:]
        seen = []
        def turns():
            for turn in range(40):
                pages.map(va, both.addr + turn % 2 * 4096)
                seen.append(tuple(map(lambda cpu: cpu.run(look, va).result(), others)))
                pages.unmap(va)
            seen.append(None)
        _thread.start_new_thread(turns, ())
    """)
    vm.exec("while not seen or seen[-1] is not None: time.sleep_ms(5)", timeout=60)
    assert vm.eval("seen[:-1]") == [(1 + turn % 2,) * 2 for turn in range(40)]
