"""What the table of `make test-versions` and the list of upstream's tests are made of."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def versions(tmp_path, monkeypatch):
    """tests/versions.py on a project whose tests say what the MicroPython source has in `says`."""
    module = load(TESTS / "versions.py")
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    (project / ".deps").mkdir()
    shutil.copy(TESTS / "versions.py", project / "tests")
    (project / "Makefile").write_text(
        "test: test-host test-upstream test-collect\n"
        "kernel:\n\tmkdir -p build && echo built >>build/log && [ ! -e $(MPY_DIR)/broken ]\n"
        "test-host test-upstream test-collect:\n"
        "\tcat $(MPY_DIR)/$@ && [ ! -e $(MPY_DIR)/$@-fails ]\n"
    )
    monkeypatch.setattr(module, "ROOT", project)
    monkeypatch.setattr(module, "OUT", project / "build" / "versions")
    monkeypatch.setattr(module.sys, "argv", ["versions.py"])
    return module


def source(path, minor, **files):
    (path / "py").mkdir(parents=True)
    macros = {"MAJOR": 1, "MINOR": minor, "MICRO": 0}
    (path / "py/mpconfig.h").write_text(
        "".join(f"#define MICROPY_VERSION_{name} {value}\n" for name, value in macros.items())
    )
    (path / "py/persistentcode.h").write_text("#define MPY_VERSION 6\n#define MPY_SUB_VERSION 3\n")
    for name, text in files.items():
        (path / name.replace("_", "-")).write_text(text)
    return str(path)


UPSTREAM = """\
source: 800 passed, 50 skipped as listed, 0 others (60 s)
native: 700 passed, 70 skipped as listed, 1 others (60 s)
"""


def test_table(versions, tmp_path, capsys):
    """Each source has a row with the counts of its own run, in a copy of its own that is kept."""
    versions.sys.argv += [
        source(
            tmp_path / "a",
            25,
            test_host="..s\n==== 20 passed, 1 skipped in 3.21s ====\n",
            test_upstream=UPSTREAM,
            test_collect="source: 553 passed, 6 skipped as listed, 0 others (63 s)\n",
        ),
        source(
            tmp_path / "b",
            28,
            test_host="== 2 failed, 18 passed, 1 error in 3.21s (0:01:03) ==\n",
            test_host_fails="",
            test_upstream="",
            test_collect="",
        ),
        source(tmp_path / "c", 29, broken=""),
    ]
    assert versions.main()
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()[-4:]]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    names = "version kernel host source mpy native net natmod perf collect minutes"
    assert rows[0][:11] == names.split()
    row = "1.25.0 yes 20/1/0 800/50/0 none 700/70/1 none none none 553/6/0"
    assert rows[1][:10] == row.split()
    assert rows[2][:4] == ["1.28.0", "yes", "18/0/3 FAILED", "none"]
    assert rows[3][:3] == ["1.29.0", "yes FAILED", "-"]
    assert (versions.OUT / "1.25.0/build/log").read_text() == "built\n"

    (versions.OUT / "1.25.0/gone.py").touch()
    versions.sys.argv[2:] = []
    assert not versions.main()
    assert (versions.OUT / "1.25.0/build/log").read_text() == "built\nbuilt\n"
    assert not (versions.OUT / "1.25.0/gone.py").exists()


def test_no_source(versions, tmp_path, capsys):
    """A folder that is no source is an error that names it, before anything is built."""
    versions.sys.argv += [source(tmp_path / "a", 25), str(tmp_path / "nothing")]
    with pytest.raises(SystemExit):
        versions.main()
    assert "nothing: there is no MicroPython source there." in capsys.readouterr().err
    assert not versions.OUT.exists()


def test_list_by_version(tmp_path):
    """A line of expected.txt holds for the modes and the versions that it names, and no others."""
    run = load(TESTS / "upstream" / "run.py")
    path = tmp_path / "expected.txt"
    path.write_text("a.py all one\nb.py mpy,native<1.28 two\nc.py source>=1.27<1.29,perf three\n")
    everywhere = "a.py:source a.py:mpy a.py:native a.py:net a.py:natmod a.py:perf"
    for minor, more in {
        26: "b.py:mpy b.py:native c.py:perf",
        27: "b.py:mpy b.py:native c.py:source c.py:perf",
        29: "b.py:mpy c.py:perf",
    }.items():
        listed = run.read_list(path, minor)
        found = {f"{name}:{mode}" for mode in listed for name in listed[mode]}
        assert found == {*everywhere.split(), *more.split()}
    path.write_text("a.py native>1.27 wrong sign\n")
    with pytest.raises(ValueError, match="native>1.27"):
        run.read_list(path, 28)


def test_every_listed_mode_is_one():
    """expected.txt names modes that there are, and each test once."""
    run = load(TESTS / "upstream" / "run.py")
    lines = (TESTS / "upstream/expected.txt").read_text().splitlines()
    names = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert len(names) == len(set(names))
    run.read_list(TESTS / "upstream/expected.txt", 29)
    assert all(re.match(r"\S+ \S+ \S", line) for line in lines if line and line[0] != "#")
