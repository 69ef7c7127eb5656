"""Direct PVH boot as Firecracker does it: a serial port, disk and network by virtio-mmio."""

import pytest

ALONE = "acpi=off,pit=off,pic=off,rtc=off,x-option-roms=off,auto-kernel-cmdline=on"


@pytest.mark.memory("64M")
def test_microvm_alone(boot, folder, memory):
    """Without ACPI, timers and clocks of a PC there is time, Ctrl-C, the command line's disk and
    network, and the program's end is said on the serial port."""
    (folder / "disk.img").write_bytes(bytes(range(256)) * 2 * 64)
    extra = ["-machine", ALONE, "-drive", f"if=none,id=d,format=raw,file={folder}/disk.img"]
    extra += ["-device", "virtio-blk-device,drive=d"]
    extra += ["-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n"]
    # No exit device either: the machine stays on.
    launcher = ["--exit-device", "isa-debug-exit,iobase=0x501,iosize=1"]
    vm = boot(board="microvm", memory=memory, extra=extra, launcher=launcher).boot()
    assert vm.eval("__import__('bootinfo').rsdp") is None
    assert "virtio_mmio.device=" in vm.eval("__import__('bootinfo').cmdline")
    vm.exec("import time; start = time.ticks_ms(); time.sleep_ms(30)")
    assert 30 <= vm.eval("time.ticks_diff(time.ticks_ms(), start)") < 30000
    vm.repl.send("for n in range(1 << 60): n or print('be' + 'gun')\r\r")
    vm.repl.expect_exact("begun")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.exec(
        "import disks; disk = disks.all()[0]; sector = bytearray(512); disk.readblocks(63, sector)"
    )
    assert vm.eval("bytes(sector)") == bytes(range(256)) * 2
    vm.exec("import network; lan = network.LAN(); lan.active(True)")
    vm.exec("while not lan.isconnected():\n time.sleep_ms(5)")
    assert vm.eval("lan.ifconfig()[0]") == "10.0.2.15"
    vm.repl.sendline("import machine; machine.poweroff(9)")
    vm.repl.expect_exact("ringzero: exit 9\r\n")
    vm.repl.expect_exact("The machine may be switched off now.\r\n")
