# Runs in the guest, on a LittleFS at /: changes files at random until somebody pulls the plug, and
# says what has been promised. Files are as `content` has them: who reads one knows its version.
import os
import random
import sys


def content(name, version):
    word = "%s %d\n" % (name, version)
    size = (version * 7919) % 23 * 800 + version % 5
    return (word * (size // len(word) + 1)).encode()


def version_of(name):
    try:
        with open("/" + name, "rb") as file:
            data = file.read()
    except OSError:
        return 0
    version = int(data[: data.index(b"\n")].split()[1]) if data else 0
    if data and data != content(name, version):
        print("broken", name, version)
        sys.exit(3)
    return version


def write(name, version):
    data = content(name, version)
    with open("/" + name, "wb") as file:
        at = 0
        while at < len(data):
            size = random.randrange(1, 6000)
            file.write(data[at : at + size])
            at += size


def run():
    files = ["f%d" % i for i in range(4)]
    versions = {name: version_of(name) for name in files + ["moved", "synced"]}
    try:
        with open("/log", "rb") as file:
            line = file.read().count(b"\n")
    except OSError:
        line = 0
    log = open("/log", "ab")
    print("go")
    while True:
        what = random.randrange(10)
        if what < 5:
            name = files[what % 4]
            write(name, versions[name] + 1)
        elif what < 7:
            for _ in range(random.randrange(1, 5)):
                log.write(b"%07d\n" % line)
                line += 1
            log.flush()
            print("log", line)
            continue
        elif what == 7:
            # Another one in the place of one that is there.
            name = "moved"
            write("fresh", 1)
            os.remove("/fresh")
            with open("/next", "wb") as file:
                file.write(content(name, versions[name] + 1))
            os.rename("/next", "/" + name)
        elif what == 8:
            # Not closed when it is promised.
            name = "synced"
            file = open("/" + name, "wb")
            file.write(content(name, versions[name] + 1))
            os.sync()
            versions[name] += 1
            print(name, versions[name])
            file.close()
            continue
        else:
            folder = "/d%d" % random.randrange(3)
            if folder[1:] not in os.listdir("/"):
                os.mkdir(folder)
                write(folder[1:] + "/x", 1)
            else:
                for name in os.listdir(folder):
                    os.remove(folder + "/" + name)
                os.rmdir(folder)
            continue
        versions[name] += 1
        print(name, versions[name])


run()
