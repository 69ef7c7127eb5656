"""os.urandom and random's seed, with the CPU's random numbers and without."""

import pytest

NO_NUMBERS = {
    "qemu64": ("q35", "qemu64"),
    "max": ("q35", "max,-rdrand,-rdseed"),
    "microvm": ("microvm", "max,-rdrand,-rdseed"),
}
# Not without RDRAND: whether TCG has RDSEED besides depends on QEMU's version.
WITH_NUMBERS = ["max", "max,-rdseed"]
WARNING = "Warning: no RDSEED, RDRAND or virtio-rng: random numbers can be guessed"


def numbers(vm):
    """Three numbers of each kind, and what was printed besides, which is at the start."""
    said = vm.exec("""
        import os, random
        print(os.urandom(16), os.urandom(16), os.urandom(16))
        print([random.getrandbits(32) for _ in range(3)])
    """)
    *before, _, _ = lines = said.splitlines()
    return before, lines[-2:]


@pytest.mark.parametrize("cpu", WITH_NUMBERS)
def test_with_numbers(boot, cpu):
    """Where the CPU has either instruction, the numbers come without a word."""
    vm = boot(extra=("-cpu", cpu)).boot()
    before, (urandom, _) = numbers(vm)
    assert before == []
    assert len(set(vm.eval(f"({','.join(urandom.split(' '))})"))) == 3
    assert "Warning" not in vm.transcript()


@pytest.mark.parametrize("what", NO_NUMBERS)
def test_without_numbers(boot, what):
    """Where it has none, os.urandom says so once, not again after a soft reset, and its bytes
    still differ; what need not be secret is seeded in silence."""
    board, cpu = NO_NUMBERS[what]
    vm = boot(board=board, extra=("-cpu", cpu)).boot()
    vm.exec("import random")
    vm.exec("seeds = [random.getrandbits(32) for _ in range(3)]\nassert len(set(seeds)) == 3")
    assert WARNING not in vm.transcript()
    assert vm.exec("import os\na = os.urandom(16)") == f"{WARNING}\n"
    vm.exec("b = [os.urandom(n) for n in (16, 100, 0, 1, 7, 4096)]")
    vm.exec("assert list(map(len, b)) == [16, 100, 0, 1, 7, 4096] and a != b[0]")
    vm.exec("assert len(set(b[-1][i:i + 8] for i in range(0, 4096, 8))) == 512")
    vm.exec("assert len(set(b[-1])) == 256")
    vm.soft_reset()
    vm.exec("import os\nos.urandom(16)")
    assert vm.transcript().count("Warning") == 1


DEVICES = {"q35": "virtio-rng-pci", "microvm": "virtio-rng-device"}


@pytest.mark.parametrize("board", DEVICES)
def test_device(boot, board):
    """Where the CPU has none, virtio-rng's are what os.urandom gives, again after a soft reset.

    A device that gives no more is left alone.
    """
    rng = f"{DEVICES[board]},max-bytes=20000,period=1000000"
    vm = boot(board=board, smp=2, extra=["-cpu", "qemu64", "-device", rng]).boot()
    vm.exec("import os, cpus; a = os.urandom(5000)")
    assert vm.eval("len(set(a))") == 256
    # Other CPUs ask the same device.
    assert vm.eval("len(cpus.all()[1].run(os.urandom, 20).result())") == 20
    vm.soft_reset()
    vm.exec("import os; a = os.urandom(16)")
    assert "Warning" not in vm.transcript()
    # More than it may give in this hour.
    vm.exec("for _ in range(10): a = os.urandom(4096)\nassert len(set(a)) == 256")
    assert WARNING in vm.transcript()


@pytest.mark.parametrize("cpu", ["max", "qemu64"])
def test_seeds(boot, cpu):
    """No two starts have the same numbers: neither of the machine nor of Python."""
    seen = []
    for _ in range(2):
        vm = boot(board="microvm", extra=("-cpu", cpu)).boot()
        seen.append(numbers(vm)[1])
        vm.soft_reset()
        seen.append(numbers(vm)[1])
    assert len({urandom for urandom, _ in seen}) == 4
    assert len({random for _, random in seen}) == 4


@pytest.mark.parametrize(
    "size, error", [("-1", "ValueError"), ("'x'", "TypeError"), ("1 << 62", "MemoryError")]
)
def test_refusals(vm, size, error):
    """What is no size raises, and says nothing else."""
    said = vm.exec(f"import os\ntry:\n os.urandom({size})\nexcept {error}:\n print('refused')")
    assert said == "refused\n"


def test_ranges_of_any_size(vm):
    """A range may be as large as memory or larger: all of it is drawn from, and nothing else."""
    vm.exec("""
        import random

        def draw(least, most, step, *arguments):
            drawn = [random.randrange(*arguments) for _ in range(200)]
            assert all(least <= n <= most and (n - least) % step == 0 for n in drawn), arguments
            assert min(drawn) <= least + (most - least) // 8, arguments
            assert max(drawn) >= most - (most - least) // 8, arguments

        for bits in 1, 31, 32, 33, 40, 52, 61, 62, 63, 64, 65, 200:
            for odd in 0, 1:
                n = (1 << bits) + odd
                draw(0, n - 1, 1, n)
                draw(-n, n - 1, 1, -n, n)
                draw(7, 7 + (n - 1) // 4096 * 4096, 4096, 7, 7 + n, 4096)
                assert 0 <= random.randint(0, n) <= n
        draw(1, 1 << 40, 1, 1 << 40, 0, -1)
        assert {random.randint(-1 << 31, (1 << 31) - 1) >> 31 for _ in range(100)} == {-1, 0}
        assert random.randint(1 << 50, 1 << 50) == 1 << 50

        random.seed(3)
        first = [random.randrange(1 << 40) for _ in range(5)]
        random.seed(3)
        assert first == [random.randrange(1 << 40) for _ in range(5)]

        for bad in ((0,), (-1 << 40,), (1 << 40, 1), (1, 1 << 40, -1), (1, 1 << 40, 0)):
            try:
                random.randrange(*bad)
            except ValueError:
                continue
            raise AssertionError(bad)

        for count in 1, 5, (1 << 32) - 1, 1 << 32, (1 << 32) + 5, (1 << 33) + 1, 3 << 40:
            drawn = [random.choice(range(count)) for _ in range(100)]
            assert min(drawn) <= (count - 1) // 8 and max(drawn) >= (count - 1) * 7 // 8, count
        try:
            random.choice([])
        except IndexError:
            pass
        else:
            raise AssertionError
    """)
