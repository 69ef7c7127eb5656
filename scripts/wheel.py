#!/usr/bin/env python3
"""Packs the wheel: launcher, images, pytest plugin and the kernel, of what is in this tree.

In it the folder ringzero/ has the tree's files where the tree has them, so that they find each
other the same way, and the kit's modules stand beside it. pyproject.toml says what it is called,
needs and provides. The same files give the same bytes.
"""

import argparse
import base64
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10, where pytest brings it
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "kit"))
import ringzero_symbols  # noqa: E402

FILES = ["scripts/run.py", "scripts/image.py", "scripts/embed.py", "scripts/ringzero.py"]
FILES += ["board/*/qemu.args", "tests/kit/new/*.py", "tests/kit/labgrid/*"]
FILES += ["board/README.md", "modules/README.md", "tests/kit/README.md"]
EPOCH = (1980, 1, 1, 0, 0, 0)  # every file's date


def metadata(project):
    lines = ["Metadata-Version: 2.4", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Summary: {project['description']}", f"License-Expression: {project['license']}"]
    lines += ["License-File: LICENSE", f"Requires-Python: {project['requires-python']}"]
    lines += [f"Requires-Dist: {one}" for one in project["dependencies"]]
    for extra, needs in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {one}; extra == "{extra}"' for one in needs]
    lines += ["Description-Content-Type: text/markdown", "", (ROOT / "README.md").read_text()]
    return "".join(f"{line}\n" for line in lines)


def entry_points(project):
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    lines = []
    for group, entries in groups.items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    return "".join(f"{line}\n" for line in lines)


def kernel(path):
    """The kernel's ELF with the names of its functions and, in place of all that debuggers take,
    the lines of its source."""
    with tempfile.TemporaryDirectory() as folder:
        lines, output = Path(folder) / "lines", Path(folder) / "ringzero.elf"
        lines.write_bytes(ringzero_symbols.pack(path))
        command = ["objcopy", "--strip-debug", "--add-section", f".lines={lines}"]
        subprocess.run([*command, path, output], check=True)
        return output.read_bytes()


def contents(project, elf):
    """The name and the bytes of each file in the wheel, but for the list of them."""
    info = f"{project['name']}-{project['version']}.dist-info"
    for path in sorted((ROOT / "tests" / "kit").glob("*.py")):
        yield path.name, path.read_bytes()
    for path in sorted(path for pattern in FILES for path in ROOT.glob(pattern)):
        yield f"ringzero/{path.relative_to(ROOT)}", path.read_bytes()
    yield "ringzero/build/kernel/ringzero.elf", kernel(elf)
    yield f"{info}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes()
    yield f"{info}/METADATA", metadata(project).encode()
    wheel = "Wheel-Version: 1.0\nGenerator: ringzero\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    yield f"{info}/WHEEL", wheel.encode()
    yield f"{info}/entry_points.txt", entry_points(project).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kernel", type=Path, help="the kernel's ELF")
    parser.add_argument("folder", type=Path, help="where the wheel goes")
    options = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name = f"{project['name']}-{project['version']}"
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"{name}-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(path, "w") as wheel:

        def add(file, data):
            entry = zipfile.ZipInfo(file, EPOCH)
            entry.external_attr = 0o100644 << 16
            wheel.writestr(entry, data, zipfile.ZIP_DEFLATED, compresslevel=9)

        for file, data in contents(project, options.kernel):
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{file},sha256={digest},{len(data)}\n"
            add(file, data)
        list_name = f"{name}.dist-info/RECORD"
        add(list_name, record + f"{list_name},,\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
