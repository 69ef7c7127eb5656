"""Random work at the edge of memory: no panic, and every count exact at the end."""

import os
import re
from pathlib import Path

import pytest

SECONDS = int(os.environ.get("SOAK_SECONDS", "30"))
PROGRAM = Path(__file__).with_name("soak.py").read_text()
CPUS_PROGRAM = Path(__file__).with_name("soak_cpus.py").read_text()
SOCKETS_PROGRAM = Path(__file__).with_name("soak_sockets.py").read_text()


@pytest.mark.board("q35")
@pytest.mark.memory("24M")
@pytest.mark.timeout(10 * SECONDS + 300)
def test_soak(vm):
    """Objects, frames, pages, mappings, faults and machine code together; `make soak` does it for
    10 minutes."""
    vm.exec(PROGRAM)
    result = vm.exec(f"soak(20250401, {SECONDS})", timeout=8 * SECONDS + 200)
    found = re.match(r"steps (\d+) short of memory (\d+) same True", result)
    assert found, result
    assert int(found[1]) > 100 and int(found[2]) > 0


@pytest.mark.board("q35")
@pytest.mark.smp(2, 4)
@pytest.mark.memory("64M")
@pytest.mark.timeout(10 * SECONDS + 300)
def test_soak_cpus(vm):
    """Calls, cancels, queues, frames, pages, mappings, faults and resets on several CPUs."""
    vm.exec(CPUS_PROGRAM)
    result = vm.exec(f"soak(20250401, {SECONDS})", timeout=8 * SECONDS + 200)
    found = re.match(r"steps (\d+) short of memory \d+ same True", result)
    assert found, result
    assert int(found[1]) > 50


@pytest.mark.board("microvm")
@pytest.mark.memory("7M", "11M")
@pytest.mark.timeout(10 * SECONDS + 300)
def test_soak_sockets(vm):
    """Sockets of all kinds without memory: each step is done, or refused by an exception."""
    vm.exec(SOCKETS_PROGRAM)
    result = vm.exec(f"soak(20250401, {SECONDS // 6})", timeout=8 * SECONDS + 200)
    found = re.match(r"steps (\d+) short of memory (\d+) same True", result)
    assert found, result
    assert int(found[1]) > 100 and int(found[2]) > 0
