"""What a guest that runs Linux is made of: Debian's kernel, and an initramfs of one's own."""

import re
import shutil
import stat
import subprocess


class NoLinux(Exception):
    """There is no apt here, or it does not have it."""


def apt(*arguments, folder):
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise NoLinux(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def package(name, folder):
    """The folder that a package of Debian's is unpacked in: it is not installed."""
    unpacked = folder / name
    if not unpacked.exists():
        if not shutil.which("apt-get"):
            raise NoLinux("There is no apt-get here, which Linux comes by.")
        folder.mkdir(parents=True, exist_ok=True)
        apt("apt-get", "-qq", "download", name, folder=folder)
        apt("dpkg-deb", "-x", next(folder.glob(f"{name}_*.deb")).name, name, folder=folder)
    return unpacked


def linux_kernel(folder, kind="cloud-amd64"):
    """Debian's, for machines like QEMU's, or "amd64", for all; in a folder for each kind."""
    kernels = sorted(folder.glob("linux-image-*/boot/vmlinuz-*"))
    if not kernels:
        folder.mkdir(parents=True, exist_ok=True)
        depends = apt("apt-cache", "depends", f"linux-image-{kind}", folder=folder)
        found = re.search(r"Depends: (linux-image-\S+)", depends)
        if not found:
            raise NoLinux(f"apt knows no kernel: {depends}")
        kernels = sorted(package(found[1], folder).glob("boot/vmlinuz-*"))
    return kernels[-1]


def entry(name, mode, data=b"", device=(0, 0)):
    """Of a cpio archive in the format of Linux's initramfs (buffer-format.rst)."""
    path = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return b"".join(part + bytes(-len(part) % 4) for part in (header, data))


def initramfs(image, files):
    """Write an archive with these files, bytes by their paths; None is a folder. Its path."""
    archive = entry("dev", stat.S_IFDIR | 0o755)
    archive += entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    for path, data in files.items():
        if data is None:
            archive += entry(path, stat.S_IFDIR | 0o755)
        else:
            archive += entry(path, stat.S_IFREG | 0o755, data)
    archive += entry("TRAILER!!!", 0)
    image.write_bytes(archive)
    return image
