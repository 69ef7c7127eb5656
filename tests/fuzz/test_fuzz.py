"""A part of what the fuzzers do, with the same seeds each time."""

from types import SimpleNamespace

import calls
import programs
import pytest


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_any_call(seed, kernel, unix_port_program, tmp_path):
    """Whatever is called, from wherever: no panic, no hang, no frame that is lost."""
    options = SimpleNamespace(
        kernel=kernel, unix=unix_port_program, out=tmp_path, keep_going=False, minimise=60
    )
    fuzzer = calls.Fuzzer(options)
    assert fuzzer.fuzz(seed, batches=12) == 0
    # The others were ended by Ctrl-C, or by themselves.
    assert fuzzer.whole > fuzzer.done // 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", [1000, 2000])
def test_any_program(first, kernel, unix_port_program, mpy_dir, tmp_path):
    """A program written at random prints what it prints under the unix port."""
    runner = programs.Runner(kernel, unix_port_program, mpy_dir, tmp_path)
    try:
        problems = [runner.one(seed) for seed in range(first, first + 12)]
    finally:
        runner.close()
    assert not any(problems), "\n".join(filter(None, problems))
    assert runner.short <= 2
