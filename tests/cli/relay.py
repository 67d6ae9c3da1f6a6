"""A link with delay between two network namespaces: a frame that enters the TAP device in one leaves that in the other later.

relay.py SECONDS NAMESPACE DEVICE NAMESPACE DEVICE: prints `ready` once the devices exist, and runs until it is killed.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from pathlib import Path

# linux/if_tun.h, linux/sched.h
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
CLONE_NEWNET = 0x40000000
MAX_FRAME = 65536
NAMESPACES = Path(os.sep, "run", "netns")  # see ip-netns(8)


def enter(namespace):
    with open(namespace, "rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")


def tap(namespace, name):
    """Creates a TAP device in `namespace`; returns the file that reads and writes its frames."""
    enter(NAMESPACES / namespace)
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    enter(f"/proc/{os.getppid()}/ns/net")
    return file


def relay(delay, ends):
    under_way = collections.deque()  # (arrival time, destination, frame)
    while True:
        wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        for file in select.select(ends, [], [], wait)[0]:
            try:
                frame = os.read(file, MAX_FRAME)
            except OSError:  # the device is down
                continue
            under_way.append((time.monotonic() + delay, ends[1 - ends.index(file)], frame))
        while under_way and under_way[0][0] <= time.monotonic():
            _, to, frame = under_way.popleft()
            try:
                os.write(to, frame)
            except OSError:
                pass  # a network may drop frames


if __name__ == "__main__":
    devices = [tap(*sys.argv[i:i + 2]) for i in (2, 4)]
    print("ready", flush=True)
    relay(float(sys.argv[1]), devices)
