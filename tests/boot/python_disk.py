"""A block device in Python, for programs in the guest."""

PYTHON_DISK = """
import gc, os, vfs
class Disk:
    def __init__(self, size):
        self.data = bytearray(size)
    def readblocks(self, block, buf, offset=0):
        start = block * 4096 + offset
        buf[:] = self.data[start:start + len(buf)]
    def writeblocks(self, block, buf, offset=0):
        start = block * 4096 + offset
        self.data[start:start + len(buf)] = buf[:]
    def ioctl(self, op, arg):
        return {4: len(self.data) // 4096, 5: 4096}.get(op, 0)
"""
