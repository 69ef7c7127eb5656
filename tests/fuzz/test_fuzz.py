"""A part of what the fuzzers do, with the same seeds each time."""

import programs
import pytest


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
