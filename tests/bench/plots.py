#!/usr/bin/env python3
"""Draws what the benchmarks have left in build/bench/: one SVG for each, in tests/bench/plots/."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "build" / "bench"
PLOTS = ROOT / "tests" / "bench" / "plots"

OURS, PEER, HOST = "#1f77b4", "#b0b0b0", "#7f7f7f"
WORKLOADS = ["repeat", "bulk", "random, half full", "2 MiB"]


def frames(rows):
    """ns per operation of each allocator, on one thread and, beside it, on two."""
    figure, axes = plt.subplots(1, len(WORKLOADS), figsize=(11, 3.4))
    for axis, workload in zip(axes, WORKLOADS, strict=True):
        of = {
            (row["peer"], row["threads"]): row["ns"] for row in rows if row["workload"] == workload
        }
        peers = [
            peer
            for peer in dict.fromkeys(peer for peer, threads in of if threads == 2)
            if peer != "bare call"
        ]
        for at, peer in enumerate(reversed(peers)):
            colour = OURS if peer.startswith("ours") else PEER
            axis.barh(at + 0.2, of[peer, 1], 0.38, color=colour)
            axis.barh(at - 0.2, of[peer, 2], 0.38, color=colour, alpha=0.5)
        axis.set_yticks(range(len(peers)), reversed(peers), fontsize=7)
        axis.set_xscale("log")
        axis.set_xlim(1, 3000)
        axis.set_title(workload, fontsize=9)
        axis.set_xlabel("ns", fontsize=8)
        axis.tick_params(axis="x", labelsize=7)
    figure.suptitle(
        "an operation of the frame allocator and its peers: one thread, below it two at once",
        fontsize=10,
    )
    return figure


def boot(rows):
    """Milliseconds from QEMU's start, beside those of a kernel that only exits."""
    figure, axis = plt.subplots(figsize=(6, 2.6))
    for at, row in enumerate(reversed(rows)):
        axis.barh(at + 0.2, row["prompt_ms"], 0.38, color=OURS, label=None if at else "prompt")
        label = None if at else "a kernel that only exits"
        axis.barh(at - 0.2, row["exit_ms"], 0.38, color=PEER, label=label)
    names = [f"{row['board']}, {row['cpus']} CPU{'s' * (row['cpus'] > 1)}" for row in rows]
    axis.set_yticks(range(len(rows)), reversed(names))
    axis.set_xlabel("ms from QEMU's start, median")
    axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figure


def cpus(rows):
    """How much more several CPUs do than one."""
    figure, axis = plt.subplots(figsize=(9, 3.8))
    most = max(row["cpus"] for row in rows)
    kinds = dict.fromkeys((row["kind"], row["work"]) for row in rows)
    # A colour for each kind, a sign for each work.
    others = iter(("#ff7f0e", "#2ca02c"))
    colours = {"ringzero": OURS, "processes of the host": HOST}
    colours |= {
        kind: next(others)
        for kind in dict.fromkeys(kind for kind, _ in kinds)
        if kind not in colours
    }
    signs = dict(zip(dict.fromkeys(work for _, work in kinds), "ovs^D<>p", strict=False))
    for kind, work in kinds:
        line = [(1, 1.0)] + [
            (row["cpus"], row["times"])
            for row in rows
            if (row["kind"], row["work"]) == (kind, work)
        ]
        name = f"{kind}: {work}" if work else kind
        style = {"color": colours[kind], "marker": signs[work], "alpha": 0.8}
        axis.plot(*zip(*line, strict=True), **style, label=name)
    axis.plot([1, most], [1, most], ":", color="black", label="each CPU as much as one alone")
    axis.set_xticks(range(1, most + 1))
    axis.set_xlabel("CPUs")
    axis.set_ylabel("work, times that of one")
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def gc(rows):
    """How long a collection takes with so much in use."""
    figure, axis = plt.subplots(figsize=(6, 3))
    axis.plot(*zip(*rows, strict=True), "o-", color=OURS)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xlabel("MiB in use")
    axis.set_ylabel("ms, gc.collect()")
    axis.grid(alpha=0.3)
    return figure


def main(data=DATA, plots=PLOTS):
    plots.mkdir(exist_ok=True)
    # The same figures give the same bytes.
    plt.rcParams["svg.hashsalt"] = "ringzero"
    missing = []
    for draw, target in (
        (frames, "frames"),
        (boot, "boot"),
        (cpus, "cpus"),
        (gc, "kernel"),
    ):
        source = data / f"{draw.__name__}.json"
        if not source.is_file():
            missing.append(f"make bench-{target}")
            continue
        figure = draw(json.loads(source.read_text()))
        figure.tight_layout()
        path = plots / f"{draw.__name__}.svg"
        figure.savefig(path, metadata={"Date": None})
        print(path)
    if missing:
        sys.exit(f"plots.py: nothing to draw of: {', '.join(missing)}")


if __name__ == "__main__":
    main()
