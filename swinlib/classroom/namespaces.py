"""A process of one student's, forked from one that has loaded Python's libraries already.

bubblewrap confines a program that it starts, and to start Python with PyTorch takes seconds. So a process that
bubblewrap has confined loads them once and forks for each student; no code of a student's ever runs in it. A fork gets
what bubblewrap gives to a program: users, processes, network, messages and host name of its own, folders in memory that
nobody else sees, no rights, and a kernel that refuses what nobody needs. Students are kept apart by these, and all of
them from the teacher by bubblewrap as well.

The constants are those of Linux, in sched.h, mount.h, prctl.h and capability.h.
"""

import ctypes
import fcntl
import os
import resource
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

NEW_MOUNTS, NEW_HOST_NAME, NEW_MESSAGES = 0x00020000, 0x04000000, 0x08000000
NEW_USERS, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
NO_SETUID, NO_DEVICES, NO_PROGRAMS = 0x2, 0x4, 0x8
BIND, MOVE, RECURSIVE, PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000
SET_DUMPABLE, SET_SECCOMP, SET_NO_NEW_PRIVILEGES = 4, 22, 38
FILTER = 2
CAPABILITIES = 0x20080522  # version 3 of the interface
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 0x1
NOBODY = 65534
HOST_NAME = b"student"

_libc = ctypes.CDLL(None, use_errno=True)


def leave() -> None:
    """Leave all namespaces that this process shares; the next fork is the first process of the new ones.

    As root it keeps its user, and its right to mount, until `give_up_rights`. Anybody else becomes nobody among users
    of its own, who may mount there.
    """
    own = NEW_MOUNTS | NEW_HOST_NAME | NEW_MESSAGES | NEW_PROCESSES | NEW_NETWORK
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        _done(_libc.unshare(own), "unshare")
        return
    _done(_libc.unshare(own | NEW_USERS), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")


def furnish(*, disk: int, files: int, shown: Sequence[str]) -> None:
    """Give the first process of new namespaces what programs expect: folders, /proc, a host name, a loopback.

    Args:
        disk: bytes of each of the two folders that can be written.
        files: in each of them.
        shown: folders and files below /tmp that stay.
    """
    _mount(None, "/", None, PRIVATE | RECURSIVE)
    # made elsewhere and then put over /tmp, since what it is to show lies there
    _folder_in_memory("/dev/shm", disk, files)
    for place in map(Path, shown):
        copy = Path("/dev/shm") / place.relative_to("/tmp")
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        copy.mkdir() if place.is_dir() else copy.touch()
        _mount(str(place), str(copy), None, BIND | RECURSIVE)
    _mount("/dev/shm", "/tmp", None, MOVE)
    _folder_in_memory("/dev/shm", disk, files)
    _mount("proc", "/proc", "proc", NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    _done(_libc.sethostname(HOST_NAME, len(HOST_NAME)), "sethostname")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        name, flags = struct.unpack("16sh", fcntl.ioctl(any_socket, GET_FLAGS, struct.pack("16sh", b"lo", 0)))
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh", name, flags | UP))
    os.chdir("/tmp")


def give_up_rights(*, limits: Mapping[str, int], user: int, refused: bytes) -> None:
    """Give up, for good, all that the code to come must not have.

    Args:
        limits: names of `resource` and their values.
        user: to become, where this process is root's.
        refused: the program by which the kernel refuses calls, see `sandbox.refused_calls`.
    """
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header, none = struct.pack("Ii", CAPABILITIES, 0), bytes(24)
    _done(_libc.capset(header, none), "capset")
    _done(_libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    program = ctypes.create_string_buffer(refused, len(refused))
    described = struct.pack("HP", len(refused) // 8, ctypes.addressof(program))  # eight bytes an instruction
    _done(_libc.prctl(SET_SECCOMP, FILTER, described, 0, 0), "seccomp")


def hide(hidden: bool = True) -> None:
    """Let no process of the same user look into this one, or allow it again: /proc/self then belongs to root."""
    _done(_libc.prctl(SET_DUMPABLE, int(not hidden), 0, 0, 0), "dumpable")


def _folder_in_memory(place: str, disk: int, files: int) -> None:
    _mount("tmpfs", place, "tmpfs", NO_SETUID | NO_DEVICES, f"mode=1777,size={disk},nr_inodes={files}")


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    _done(_libc.mount(*texts, ctypes.c_ulong(flags), None if options is None else options.encode()), f"mount {target}")


def _done(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
