"""Guest code: sockets of all kinds, which talk by loopback, with next to no memory.

soak(seed, seconds) works until the time is over and prints how many steps it did. The same seed
makes the same choices as long as what each step meets takes the same time.
"""

import gc
import random
import select
import socket
import time

import frames

PORTS = 6
MOST = 400  # sockets


def below(limit):
    return random.getrandbits(30) % limit


class Soak:
    def __init__(self, seed):
        random.seed(seed)
        self.sockets = []  # (socket, the address that it talks to)
        self.taken = []  # frames that nobody else shall have
        self.short = 0

    def new(self):
        family, addr = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))[below(2)]
        kind = (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW)
        one = socket.socket(family, kind[below(4)])
        one.settimeout(below(4) / 1000)
        self.sockets.append((one, addr))

    def take(self):
        """All frames but a few; or some of them back."""
        if below(6) == 0:
            for _ in range(min(len(self.taken), below(12))):
                frames.free(self.taken.pop())
        else:
            least = below(3)
            while frames.stats().free > least:
                self.taken.append(frames.alloc())

    def step(self):
        what = below(14)
        if what < 2 or not self.sockets:
            return self.new()
        one, addr = self.sockets[below(len(self.sockets))]
        to = addr, 100 + below(PORTS)
        if what == 2:
            one.bind(to)
        elif what == 3:
            one.listen(1 + below(10))
        elif what < 6:
            one.connect(to)
        elif what == 6:
            self.sockets.append((one.accept()[0], addr))
        elif what < 9:
            one.send(bytes(below(3000)))
        elif what == 9:
            one.recv(1 + below(3000))
        elif what == 10:
            one.sendto(bytes(below(20000)), to)
        elif what == 11:
            one.close()
        elif what == 12:
            poll = select.poll()
            for other, _ in self.sockets[: 1 + below(30)]:
                poll.register(other)
            poll.poll(1)
        elif below(3):
            self.take()
        else:
            gc.collect()

    def end(self):
        for addr in self.taken:
            frames.free(addr)
        for one, _ in self.sockets:
            one.close()
        self.sockets = self.taken = None
        gc.collect()

    def work_for(self, seconds):
        end = time.ticks_add(time.ticks_ms(), seconds * 1000)
        steps = 0
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            steps += 1
            try:
                self.step()
                if len(self.sockets) > MOST:
                    self.sockets.pop(below(MOST))[0].close()
            except MemoryError:
                self.short += 1
            except OSError as error:
                self.short += error.errno == 12  # ENOMEM
        return steps


def soak(seed, seconds):
    it = Soak(seed)
    steps = it.work_for(seconds)
    it.end()
    print("steps", steps, "short of memory", it.short, "same", frames.check())
