"""QEMU is killed while a program writes to a LittleFS: what was promised is on the disk.

make test-power-cuts does that a thousand times.
"""

import power_cuts
import pytest


@pytest.mark.timeout(120)
def test_killed(kernel, tmp_path):
    """After each kill the disk mounts elsewhere and has each file whole, as new as was said."""
    image = tmp_path / "disk.img"
    assert power_cuts.series(kernel, image, len(power_cuts.MACHINES)) > 0
    found = power_cuts.check(image, {})
    with pytest.raises(power_cuts.Lost, match="was promised"):
        power_cuts.check(image, {"log": found["log"] + 1})
