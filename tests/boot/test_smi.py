"""smi sees the time that firmware takes, and counts how often it does."""

import pytest
import ringzero_vm

FIRMWARE = ["-machine", "smm=on"]


def test_count(boot):
    """Each SMI is counted; a machine whose firmware has none has none."""
    vm = boot(board="q35", extra=FIRMWARE).boot()
    vm.exec("import smi, machine; before = smi.count()")
    vm.exec("for _ in range(5): machine.port8[0xb2] = 0")
    assert vm.eval("smi.count() - before") == 5
    assert vm.eval("smi.measure(5)['smis']") == 0


def test_gap(boot):
    """An SMI is the one gap longer than all others, where QEMU counts instructions as time."""
    vm = boot(board="q35", extra=[*FIRMWARE, "-icount", "shift=0"]).boot()
    vm.exec("""
        import machine, smi, time
        looks = 0
        def now():
            global looks
            looks += 1
            if looks == at:
                machine.port8[0xb2] = 0
            return time.ticks_cpu()
        def watch(when):
            global at, looks
            at = when
            looks = 0
            counts = [0, 0]
            state = machine.disable_irq()
            total, longest = smi._watch(now, 2000000, [usual], counts)
            machine.enable_irq(state)
            return longest, counts
        usual = 1 << 60
        usual = watch(0)[0]
    """)
    longest, counts = vm.eval("watch(0)")
    assert longest <= vm.eval("usual") and counts[0] > 100 and counts[1] == 0
    longest, counts = vm.eval("watch(100)")
    assert longest > vm.eval("usual") and counts[1] == 1


def test_measure(boot):
    """Every gap is counted once, as long as was asked for, on any CPU; wrong times are none."""
    vm = boot(smp=2).boot()
    vm.exec("import smi, cpus")
    for found in vm.eval("cpus.each(smi.measure, 20)"):
        assert 20 <= found["ms"] and len(found["gaps"]) == 8
        assert sum(found["gaps"]) > 20
        # The bin of the longest is the last that has any.
        last = max(at for at, count in enumerate(found["gaps"]) if count)
        limits = [0, 1, 10, 100, 1000, 10000, 100000, 1000000, 1 << 62]
        assert limits[last] <= found["longest_us"] <= limits[last + 1]
    for ms in 0, -1, None, 1.5:
        with pytest.raises(ringzero_vm.GuestError, match="ValueError: ms="):
            vm.exec(f"smi.measure({ms})")
    text = vm.exec("smi.show(20)").replace("\r", "")
    assert "longest: " in text and "SMIs: 0" in text


def test_ctrl_c(boot):
    """Ctrl-C ends it."""
    vm = boot().boot()
    vm.exec("import smi")
    vm.repl.sendline("print('go'); smi.measure(10 ** 9)")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")
    assert vm.eval("6 * 7") == 42
