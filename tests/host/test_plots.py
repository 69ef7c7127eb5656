"""The benchmarks' figures as pictures."""

import json

import plots
import pytest

DATA = {
    "frames": [
        {"peer": peer, "workload": workload, "threads": threads, "ns": 2.0 * threads}
        for peer in ("bare call", "ours, one CPU", "next-fit bitmap")
        for workload in plots.WORKLOADS
        for threads in (1, 2)
    ],
    "boot": [{"board": "microvm", "cpus": 8, "exit_ms": 70.5, "prompt_ms": 100}],
    "cpus": [
        {"kind": "ringzero", "work": "pystone", "cpus": 2, "times": 1.9},
        {"kind": "processes of the host", "work": "", "cpus": 2, "times": 2.0},
    ],
    "gc": [[1, 2.5], [1024, 3000.0]],
}


def test_plots(tmp_path):
    """What is there is drawn, the same each time, and what is missing is named."""
    for name, rows in DATA.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    plots.main(tmp_path, tmp_path / "first")
    plots.main(tmp_path, tmp_path / "second")
    for name, words in {
        "frames": ["next-fit bitmap", "random, half full"],
        "boot": ["microvm, 8 CPUs", "a kernel that only exits"],
        "cpus": ["ringzero: pystone", "processes of the host"],
        "gc": ["MiB in use"],
    }.items():
        text = (tmp_path / "first" / f"{name}.svg").read_text()
        assert text == (tmp_path / "second" / f"{name}.svg").read_text()
        assert all(f"<!-- {word} -->" in text for word in words)
    (tmp_path / "gc.json").unlink()
    with pytest.raises(SystemExit, match="nothing to draw of: make bench-kernel$"):
        plots.main(tmp_path, tmp_path / "third")
