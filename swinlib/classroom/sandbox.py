"""A process in which code runs that nobody has read: bubblewrap, with limits, watched from outside.

Inside there is no network, nothing can be written but two small folders in memory, and nothing can be seen but the
system's and Python's own files. What the kernel does not limit for a group of processes (memory together, processor
time together, their number) is watched from here, and a sandbox that takes too much is ended as a whole.
"""

import contextlib
import dataclasses
import errno
import functools
import itertools
import json
import os
import selectors
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import psutil

from . import worker
from .wire import LENGTHS, WireError, lengths, pack, unpack

LIBRARY = Path(__file__).resolve().parents[2]  # the folder in which swinlib lies
OF_THE_BOX = 2  # processes of bubblewrap itself
LOOK_EVERY = 0.05  # seconds between two looks at what a sandbox takes
FIRST_FREE_USER = 2**30  # such users exist on no system; each process of a grader that is root's takes one
UNSAFE = "--unsafe-run-code-without-a-sandbox"
# What a process needs of the system's folders to start at all.
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
# Memory that no process owns, windows into other processes, and ways to more rights.
FORBIDDEN_CALLS = (
    *("memfd_create", "memfd_secret", "shmget", "shmat", "msgget", "semget", "mq_open"),
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig"),
    *("fsmount", "fspick", "mount_setattr", "keyctl", "add_key", "request_key", "bpf", "perf_event_open"),
    *("userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "kexec_load", "init_module"),
    *("finit_module", "delete_module", "open_by_handle_at", "name_to_handle_at", "swapon", "swapoff", "reboot"),
    *("sched_setscheduler", "sched_setattr", "setpriority"),
)
BUFFER_SIZES = (7, 8)  # SO_SNDBUF, SO_RCVBUF: of sockets, whose memory no process owns
FOLDERS = ("/dev/shm", "/tmp")  # in memory; the only ones that can be written
NEW_USER_NAMESPACE = 0x10000000


class NoSandboxError(RuntimeError):
    """There is nothing here in which code that nobody has read could run safely; the message says what to do."""


class EndedError(Exception):
    """The worker is gone; the message says in the student's words why."""


class OutOfTimeError(EndedError):
    """It took too long on the clock, which may be the fault of what else this machine had to do."""


@dataclass(frozen=True)
class Limits:
    """What one sandbox may take.

    Attributes:
        seconds: of processor time for one question, of all its processes together.
        patience: seconds on the clock for one question; more, since the machine may be busy with others.
        memory: bytes of all its processes together.
        disk: bytes in each of its two folders, which lie in memory.
        files: in each of them; an empty one costs memory too.
        processes: and threads, together.
    """

    seconds: float = 10.0
    patience: float = 30.0
    memory: int = 3 * 2**30
    disk: int = 256 * 2**20
    files: int = 50_000
    processes: int = 64

    def while_it_starts(self) -> "Limits":
        """More time: Python and PyTorch are loaded, and no code of the student's runs yet."""
        return dataclasses.replace(self, seconds=60.0, patience=180.0)

    def of_each_process(self) -> dict[str, int]:
        """The part that the kernel keeps."""
        return {
            "RLIMIT_DATA": self.memory,
            "RLIMIT_FSIZE": self.disk,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_AS": 32 * 2**30,  # addresses cost memory too, for their tables
            "RLIMIT_NOFILE": 64,  # a pipe or a socket holds memory that no process owns
            "RLIMIT_CPU": 60 + 20 * round(self.seconds),
            "RLIMIT_CORE": 0,
        }


class Sandbox:
    """One worker in one sandbox: ``with Sandbox(checks) as box: box.ask("run", "x = 1")``."""

    def __init__(self, checks: str, *, limits: Limits | None = None, unsafe: bool = False) -> None:
        """Start nothing yet.

        Args:
            checks: which exercises the worker knows, see `swinlib.check.load`.
            limits: what it may take.
            unsafe: run the worker as an ordinary process, where it can do all that the teacher can.
        """
        self.checks = checks
        self.limits = limits or Limits()
        self.unsafe = unsafe
        self.process: subprocess.Popen | None = None
        self.numbers = itertools.count()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the worker; it is ready when it has answered.

        Raises:
            NoSandboxError: if there is no bubblewrap here, or it starts nothing.
        """
        if sys.platform == "win32":
            raise NoSandboxError(
                "Students' code cannot be run on Windows itself. Type `wsl --install`, and grade there."
            )
        settings = {
            "limits": self.limits.of_each_process(),
            "user": FIRST_FREE_USER + os.getpid() if os.geteuid() == 0 and not self.unsafe else None,
            "library": str(LIBRARY),
            "checks": self.checks,
        }
        python = [sys.executable, "-I", "-B", worker.__file__, json.dumps(settings)]
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as refused:
            box = [] if self.unsafe else bubblewrap(self.checks, self.limits.disk, refused.fileno())
            if box:
                refused.write(refused_calls())
                refused.seek(0)
            self.process = subprocess.Popen(
                [*box, *python],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=(refused.fileno(),) if box else (),
                env=environment(),
                cwd="/",
                bufsize=0,
            )
            for pipe in (self.process.stdin, self.process.stdout):
                os.set_blocking(pipe.fileno(), False)
            try:
                self._ask(self.limits.while_it_starts(), "hello")
            except EndedError as error:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()[-2000:]
                raise NoSandboxError(
                    f"The sandbox for students' code does not start: {said or error}\n`python -m swinlib.doctor` says "
                    f"what is missing. {UNSAFE} goes on without it: the code of each student may then read, change and "
                    "delete whatever you can."
                ) from None

    def stop(self) -> None:
        """End everything that runs in it."""
        if self.process is None:
            return
        family = _family(self.process.pid)
        for process in reversed(family):
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait()
        # psutil's own waiting would wait for the system to take note of each death, which may last a second
        end = time.monotonic() + 5
        while any(map(_lives, family)) and time.monotonic() < end:
            time.sleep(0.002)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None

    def ask(self, kind: str, *arguments: object) -> object:
        """Ask the worker something, and wait for the answer.

        Args:
            kind: a method of `notebook.Notebook`.
            *arguments: plain data.

        Raises:
            EndedError: if the worker gave no answer that makes sense, or took too much; it has been ended then.
        """
        return self._ask(self.limits, kind, *arguments)

    def _ask(self, limits: Limits, kind: str, *arguments: object) -> object:
        if self.process is None:
            raise EndedError("its process is gone")
        number = next(self.numbers)
        try:
            answer = self._exchange(pack([number, kind, *arguments]), limits)
        except WireError:
            answer = None
        except EndedError:
            self.stop()
            raise
        if not isinstance(answer, list) or len(answer) != 2 or answer[0] != number:
            self.stop()
            raise EndedError("its process wrote into the line that the check listens to")
        return answer[1]

    def _exchange(self, question: bytes, limits: Limits) -> object:
        """Write the question and read one message, watching the time and what the sandbox takes."""
        watch = _Watch(self.process.pid, limits)
        out, back = self.process.stdin, self.process.stdout
        answer, wanted = bytearray(), LENGTHS.size
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_WRITE)
            selector.register(back, selectors.EVENT_READ)
            while len(answer) < wanted or question:
                ready = [key.fileobj for key, _ in selector.select(LOOK_EVERY)]
                watch.look()
                if out in ready:
                    question = question[_write(out, question) :]
                    if not question:
                        selector.unregister(out)
                if back in ready:
                    part = _read(back, wanted - len(answer))
                    answer += part
                if len(answer) == wanted == LENGTHS.size:
                    wanted += sum(lengths(bytes(answer)))
                    if wanted == LENGTHS.size:
                        raise WireError("an empty message")
        text, _ = lengths(bytes(answer[: LENGTHS.size]))
        body = bytes(answer[LENGTHS.size :])
        return unpack(body[:text], body[text:])


def _write(pipe: IO[bytes], data: bytes) -> int:
    try:
        return pipe.write(data[:65536]) or 0
    except BrokenPipeError:
        raise EndedError(GONE) from None


def _read(pipe: IO[bytes], count: int) -> bytes:
    part = pipe.read(min(count, 2**20)) if count else b""
    if part == b"" and count:
        raise EndedError(GONE)
    return part or b""


GONE = "its process ended: a crash, too much memory, or a call that ends Python"


class _Watch:
    """Watches what a sandbox takes, from the beginning of one question on."""

    def __init__(self, pid: int, limits: Limits) -> None:
        self.pid, self.limits = pid, limits
        self.end = time.monotonic() + limits.patience
        self.next_look = time.monotonic() + LOOK_EVERY
        self.seconds_before = None

    def look(self) -> None:
        """Look, if it is time to.

        Raises:
            EndedError: if it is too much.
        """
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + LOOK_EVERY
        if now > self.end:
            raise OutOfTimeError(f"it gave no answer in {self.limits.patience:g} seconds")
        family = _family(self.pid)
        seconds, memory, tasks = 0.0, 0, 0
        for process in family:
            with contextlib.suppress(psutil.Error), process.oneshot():
                # of its own, and of the children that it has outlived
                seconds += sum(process.cpu_times()[:4])
                tasks += process.num_threads()
                memory += _own_memory(process, alone=len(family) < 5)
        if self.seconds_before is None:
            self.seconds_before = seconds
        if seconds - self.seconds_before > self.limits.seconds:
            raise EndedError(
                f"it took more than {self.limits.seconds:g} seconds of processor time; is there an endless loop?"
            )
        if memory > self.limits.memory:
            raise EndedError(f"it took more than {self.limits.memory / 2**30:g} GiB of memory")
        if family and _files(family[-1].pid, self.limits.disk) > self.limits.files:
            raise EndedError(f"it made more than {self.limits.files} files")
        if tasks > self.limits.processes + OF_THE_BOX:
            raise EndedError(f"it started more than {self.limits.processes} processes and threads")


def _family(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _own_memory(process: psutil.Process, *, alone: bool) -> int:
    """Bytes; what forked processes share is counted once."""
    tables = _page_tables(process.pid)
    if alone:
        return tables + process.memory_info().rss
    return tables + (getattr(process.memory_full_info(), "pss", 0) or process.memory_info().rss)


def _page_tables(pid: int) -> int:
    """Bytes of the tables by which the kernel finds a process's memory."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmPTE:")), 0)


def _files(pid: int, disk: int) -> int:
    """Files in the folders of a sandbox, the larger number; 0 where the kernel does not let one look."""
    most = 0
    for folder in FOLDERS:
        with contextlib.suppress(OSError):
            facts = os.statvfs(f"/proc/{pid}/root{folder}")
            if facts.f_blocks * facts.f_frsize == disk:  # else it is the system's own folder
                most = max(most, facts.f_files - facts.f_ffree)
    return most


# --- The command ------------------------------------------------------------------------------------------------


def bubblewrap(checks: str, disk: int, filter_descriptor: int) -> list[str]:
    """The beginning of the command line.

    Args:
        checks: a file of these is shown inside.
        disk: bytes of each folder that can be written.
        filter_descriptor: of an open file of `refused_calls`.

    Raises:
        NoSandboxError: on a system other than Linux, or without bubblewrap.
    """
    path = shutil.which("bwrap")
    if sys.platform != "linux" or path is None:
        missing = "bubblewrap is not installed" if sys.platform == "linux" else f"this is {sys.platform}, not Linux"
        raise NoSandboxError(
            f"Students' code is run in a sandbox, and there is none: {missing}. On Debian or Ubuntu type `apt-get "
            f"install bubblewrap`; elsewhere use a Linux machine, or a virtual one. {UNSAFE} goes on without one: the "
            "code of each student may then read, change and delete whatever you can."
        )
    shown = shown_folders(checks)
    size = str(disk)
    return [
        *(path, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        # root's own processes are not bound by the limit on their number, so the worker becomes somebody else
        *(
            ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
            if os.geteuid() == 0
            else ("--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL")
        ),
        *("--die-with-parent", "--new-session", "--seccomp", str(filter_descriptor)),
        *(word for folder in SYSTEM for word in ("--ro-bind-try", folder, folder)),
        *("--proc", "/proc", "--dev", "/dev"),
        *(word for folder in FOLDERS for word in ("--perms", "1777", "--size", size, "--tmpfs", folder)),
        # after /tmp, since an environment of Python may lie in it
        *(word for folder in _parents(shown) for word in ("--perms", "0755", "--dir", str(folder))),
        *(word for folder in shown for word in ("--ro-bind", str(folder), str(folder))),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"),
    ]


def shown_folders(checks: str) -> list[Path]:
    """What of the teacher's files is seen inside: Python, its packages, swinlib, and a file of checks."""
    packages = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        packages.append(site.getusersitepackages())
    places = [sys.prefix, sys.base_prefix, *packages, LIBRARY / "swinlib"]
    if os.path.isfile(checks):
        places.append(checks)
    found: list[Path] = []
    for place in sorted({Path(place).absolute() for place in places}):
        inside = any(place.is_relative_to(other) for other in (*found, *SYSTEM))
        if place.exists() and not inside:
            found.append(place)
    return found


def _parents(places: list[Path]) -> list[Path]:
    """The folders above them, the upper ones first; bubblewrap would make them for root alone."""
    there = {Path("/"), Path("/tmp")}
    return sorted({parent for place in places for parent in place.parents} - there)


def environment() -> dict[str, str]:
    """Nothing of the teacher's, one thread, and a home that can be written."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "IPYTHONDIR": "/tmp/ipython",
        "TORCHINDUCTOR_CACHE_DIR": "/tmp/inductor",
    }


@functools.cache
def refused_calls() -> bytes:
    """The program by which the kernel refuses `FORBIDDEN_CALLS`.

    Raises:
        NoSandboxError: if there is nothing that writes it.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError) as error:
        raise NoSandboxError(
            f"The sandbox for students' code lacks pyseccomp, or the system's libseccomp: {error}. Type `pip install "
            "pyseccomp`, and on Debian or Ubuntu `apt-get install libseccomp2`."
        ) from None
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in FORBIDDEN_CALLS:
        with contextlib.suppress(ValueError, OSError):  # unknown to this processor, or to an older libseccomp
            rules.add_rule(seccomp.ERRNO(errno.EPERM), name)
    flags = seccomp.Arg(0, seccomp.MASKED_EQ, NEW_USER_NAMESPACE, NEW_USER_NAMESPACE)
    rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", flags)
    for size in BUFFER_SIZES:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "setsockopt", seccomp.Arg(2, seccomp.EQ, size))
    # its flags lie in memory, where a filter cannot look; the C library goes back to clone
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
