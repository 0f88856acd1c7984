"""A process in which code runs that nobody has read: bubblewrap, with limits, watched from outside.

Inside there is no network, nothing can be written but two small folders in memory, and nothing can be seen but the
system's and Python's own files. What the kernel does not limit for a group of processes (memory together, processor
time together, their number) is watched from here, and a sandbox that takes too much is ended as a whole.
"""

import atexit
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
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from . import worker
from .wire import LENGTHS, Meet, WireError, lengths, pack, unpack

LIBRARY = Path(__file__).resolve().parents[2]  # the folder in which swinlib lies
HIDDEN = (LIBRARY / "swinlib" / "check",)  # what decides; a folder that is empty inside
OF_THE_BOX = 2  # processes that are not the student's, see `worker.be_confined`
FEW = 5  # processes whose memory is told from that of the libraries without much work
STARTING = 180.0  # seconds on the clock that loading the libraries may take, on a busy machine
OWN_DISK = 16 * 2**20  # bytes in memory for the process that loads them
OF_ROOT = ("CAP_SETUID", "CAP_SETGID", "CAP_SYS_ADMIN", "CAP_NET_ADMIN")  # to confine a fork
CREDENTIALS = struct.Struct("3i")  # process, user, group
EVENTS = (selectors.EVENT_READ, selectors.EVENT_WRITE)
DEFAULT_BUFFERS = ("rmem_default", "wmem_default")
MOST_ASKED_BACK = 2000  # times that the student's code calls a check, or a function of the grader's, in one question
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
SOCKETS = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)  # the only kinds that can be made
BUFFER_SIZES = (7, 8)  # SO_SNDBUF, SO_RCVBUF: of sockets, whose memory no process owns
FOLDERS = ("/dev/shm", "/tmp")  # in memory; the only ones that can be written
NEW_USER_NAMESPACE = 0x10000000


On = Mapping[str, Callable[[object], Sequence[object]]]


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


class ForkServer:
    """A process in bubblewrap that has loaded the libraries, and forks for each sandbox (see `worker`).

    No code of a student's runs in it, so that it serves all sandboxes of a grader.
    """

    def __init__(self, command: list[str]) -> None:
        """Start it, and wait until it has loaded everything.

        Args:
            command: that starts it.

        Raises:
            NoSandboxError: if it does not start; with what it said.
        """
        atexit.register(self.stop)
        self.line, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as errors:
            self.process = subprocess.Popen(
                command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=errors, env=environment(), cwd="/"
            )
            theirs.close()
            self.line.settimeout(STARTING)
            try:
                ready = self.line.recv(1) == worker.READY
            except OSError:
                ready = False
            if not ready:
                self.stop()
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()[-2000:]
                raise NoSandboxError(_does_not_start(said or f"it was not ready in {STARTING:g} seconds"))

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def fork(self, asked: Mapping[str, object]) -> tuple[socket.socket, psutil.Process]:
        """A new process, confined: the line to it, and the process with which all of it ends.

        Args:
            asked: arguments of `namespaces.furnish` and `namespaces.give_up_rights`.

        Raises:
            NoSandboxError: if that fails.
        """
        channel, theirs = socket.socketpair()
        channel.settimeout(STARTING)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            with theirs:
                socket.send_fds(self.line, [json.dumps(asked).encode()], [theirs.fileno()])
            said, credentials, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(CREDENTIALS.size))
            if said == worker.BEGUN:
                number, _, _ = CREDENTIALS.unpack(credentials[0][2])
                process = psutil.Process(number)
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
                said = channel.recv(1)
            if said != worker.CONFINED:
                said += b"".join(iter(lambda: channel.recv(4096), b""))
                raise NoSandboxError(_does_not_start(said.decode(errors="replace")))
        except (OSError, psutil.Error) as error:
            channel.close()
            raise NoSandboxError(_does_not_start(str(error))) from None
        except NoSandboxError:
            channel.close()
            raise
        return channel, process

    def stop(self) -> None:
        """End it, and with it all that it has forked."""
        atexit.unregister(self.stop)
        self.line.close()
        self.process.kill()
        self.process.wait()


_servers: dict[tuple[int, *tuple[str, ...]], ForkServer] = {}


def _server(command: list[str], number: int) -> ForkServer:
    """The one of a number that was started with a command, if it still lives."""
    key = (number, *command)
    if key not in _servers or not _servers[key].lives:
        _servers[key] = ForkServer(command)
    return _servers[key]


def _does_not_start(said: str) -> str:
    return (
        f"The sandbox for students' code does not start: {said}\n`python -m swinlib.doctor` says what is missing. "
        f"{UNSAFE} goes on without it: the code of each student may then read, change and delete whatever you can."
    )


class Sandbox:
    """One student's process: ``with Sandbox() as box: box.ask("run", "x = 1")``."""

    def __init__(self, *, limits: Limits | None = None, unsafe: bool = False, server: int = 0) -> None:
        """Start nothing yet.

        Args:
            limits: what it may take.
            unsafe: run the worker as an ordinary process, where it can do all that the teacher can.
            server: number of the process that it is forked from. Python's hashes of strings are those of that process,
                and another's are others.
        """
        self.limits = limits or Limits()
        self.unsafe = unsafe
        self.forked_from = server
        self.process: psutil.Process | None = None
        self.channel: socket.socket | None = None
        self.server: ForkServer | None = None  # if it serves this sandbox alone
        self.loaded = 0  # bytes of the libraries, which are there before the student's code begins
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
        settings = {"library": str(LIBRARY), "unsafe": self.unsafe}
        limits = self.limits.of_each_process()
        if self.unsafe:
            settings["limits"] = limits
            server = self.server = ForkServer(_python(settings))
            self.channel, self.process = server.line, psutil.Process(server.process.pid)
        else:
            server = _server([*bubblewrap(), *_python(settings)], self.forked_from)
            shown = [str(folder) for folder in shown_folders() if folder.is_relative_to("/tmp")]
            room = {"disk": self.limits.disk, "files": self.limits.files, "shown": shown}
            user = FIRST_FREE_USER + os.getpid()
            rights = {"limits": limits, "user": user, "refused": refused_calls().hex()}
            self.channel, self.process = server.fork({"room": room, "rights": rights})
        self.loaded = psutil.Process(server.process.pid).memory_info().rss
        self.channel.setblocking(False)
        try:
            self._ask(self.limits.while_it_starts(), "hello")
        except EndedError as error:
            raise NoSandboxError(_does_not_start(str(error))) from None

    def stop(self) -> None:
        """End everything that runs in it."""
        if self.process is None:
            return
        family = _family(self.process)
        for process in reversed(family):
            with contextlib.suppress(psutil.Error):
                process.kill()
        # psutil's own waiting would wait for the system to take note of each death, which may last a second
        end = time.monotonic() + 5
        while any(map(_lives, family)) and time.monotonic() < end:
            time.sleep(0.002)
        self.channel.close()
        if self.server is not None:
            self.server.stop()
        self.process = None

    def ask(self, kind: str, *arguments: object, on: On | None = None, meet: Meet | None = None) -> object:
        """Ask the worker something, and wait for the answer.

        Args:
            kind: a method of `notebook.Notebook`.
            *arguments: plain data.
            on: what to do when the student's code calls a check or a function of the grader's meanwhile, by
                ``"check"`` and ``"callback"``: it may ask in its turn, and gives what whoever waits there goes on
                with. Without it checks say nothing.
            meet: makes what stands for an object that stays in the sandbox.

        Raises:
            EndedError: if the worker gave no answer that makes sense, or took too much; it has been ended then.
        """
        return self._ask(self.limits, kind, *arguments, on=on, meet=meet)

    def _ask(
        self, limits: Limits, kind: str, *arguments: object, on: On | None = None, meet: Meet | None = None
    ) -> object:
        number = next(self.numbers)
        on = {"check": lambda name: (None, ""), **(on or {})}
        try:
            message = pack([number, kind, *arguments])
        except WireError as error:
            raise EndedError(f"it cannot be sent: {error}") from None
        for _ in range(MOST_ASKED_BACK):
            what, answer = self._answered(message, number, limits, meet)
            if what == "done":
                return answer
            try:
                if what not in on:
                    raise EndedError(SCRIBBLED)
                message = pack([number, "go_on", *on[what](answer)])
            except EndedError:
                self.stop()  # it waits for an answer that it will not get
                raise
        self.stop()
        raise EndedError(f"it called checks, or what it was given, more than {MOST_ASKED_BACK} times without an end")

    def _answered(self, message: bytes, number: int, limits: Limits, meet: Meet | None) -> tuple[str, object]:
        """Say something, and return what comes next: that it is done, and how, or what is called meanwhile."""
        if self.process is None:
            raise EndedError("its process is gone")
        try:
            answer = self._exchange(message, limits, meet)
        except WireError:
            answer = None
        except EndedError:
            self.stop()
            raise
        match answer:
            case [int(asked), str(what), told] if asked == number:
                return what, told
        self.stop()
        raise EndedError(SCRIBBLED)

    def _exchange(self, question: bytes, limits: Limits, meet: Meet | None) -> object:
        """Write the question and read one message, watching the time and what the sandbox takes."""
        watch = _Watch(self.process, limits, self.loaded)
        answer, wanted = bytearray(), LENGTHS.size
        with selectors.DefaultSelector() as selector:
            selector.register(self.channel, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while len(answer) < wanted or question:
                ready = {event for _, events in selector.select(LOOK_EVERY) for event in EVENTS if events & event}
                watch.look()
                if question and selectors.EVENT_WRITE in ready:
                    question = question[_write(self.channel, question) :]
                    if not question:
                        selector.modify(self.channel, selectors.EVENT_READ)
                if selectors.EVENT_READ in ready:
                    answer += _read(self.channel, wanted - len(answer))
                if len(answer) == wanted == LENGTHS.size:
                    wanted += sum(lengths(bytes(answer)))
                    if wanted == LENGTHS.size:
                        raise WireError("an empty message")
        text, _ = lengths(bytes(answer[: LENGTHS.size]))
        body = bytes(answer[LENGTHS.size :])
        return unpack(body[:text], body[text:], meet)


def _python(settings: Mapping[str, object]) -> list[str]:
    return [sys.executable, "-I", "-B", worker.__file__, json.dumps(settings)]


def _write(channel: socket.socket, data: bytes) -> int:
    try:
        return channel.send(data[:65536])
    except BlockingIOError:
        return 0
    except OSError:
        raise EndedError(GONE) from None


def _read(channel: socket.socket, count: int) -> bytes:
    if not count:
        return b""
    try:
        part = channel.recv(min(count, 2**20))
    except BlockingIOError:
        return b""
    except OSError:
        part = b""
    if not part:
        raise EndedError(GONE)
    return part


SCRIBBLED = "its process wrote into the line that the check listens to"
GONE = "its process ended: a crash, too much memory, or a call that ends Python"


class _Watch:
    """Watches what a sandbox takes, from the beginning of one question on."""

    def __init__(self, process: psutil.Process, limits: Limits, loaded: int) -> None:
        self.process, self.limits, self.loaded = process, limits, loaded
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
        family = _family(self.process)
        seconds, memory, tasks = 0.0, _socket_memory(family), 0
        for process in family:
            with contextlib.suppress(psutil.Error), process.oneshot():
                # of its own, and of the children that it has outlived
                seconds += sum(process.cpu_times()[:4])
                tasks += process.num_threads()
                memory += self.memory_of(process, alone=len(family) <= FEW)
        if self.seconds_before is None:
            self.seconds_before = seconds
        if seconds - self.seconds_before > self.limits.seconds:
            raise EndedError(
                f"it took more than {self.limits.seconds:g} seconds of processor time; is there an endless loop?"
            )
        if memory > self.limits.memory:
            raise EndedError(f"it took more than {self.limits.memory / 2**30:g} GiB of memory")
        if tasks > self.limits.processes + OF_THE_BOX:
            raise EndedError(f"it started more than {self.limits.processes} processes and threads")

    def memory_of(self, process: psutil.Process, *, alone: bool) -> int:
        """Bytes; what forked processes share is counted once, or, for a few of them, not at all."""
        tables = _page_tables(process.pid)
        if alone:
            return tables + max(0, process.memory_info().rss - self.loaded)
        return tables + (getattr(process.memory_full_info(), "pss", 0) or process.memory_info().rss)


def _family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that descend from it; none if it has gone, whoever has its number now."""
    try:
        if not _kernel_lists_children():
            return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
    found = [process] if process.is_running() else []
    for parent in found:  # which grows meanwhile
        for number in _children(parent.pid):
            with contextlib.suppress(psutil.Error):
                found.append(psutil.Process(number))
    return found


@functools.cache
def _kernel_lists_children() -> bool:
    """Linux may. psutil reads of all processes of the machine who their parents are, which is most of a look's time."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").exists()


def _children(pid: int) -> list[int]:
    numbers: list[int] = []
    with contextlib.suppress(OSError):  # it has gone
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children") as file:
                numbers += map(int, file.read().split())
    return numbers


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _page_tables(pid: int) -> int:
    """Bytes of the tables by which the kernel finds a process's memory."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmPTE:")), 0)


def _socket_memory(family: list[psutil.Process]) -> int:
    """Bytes that the open sockets of a sandbox may hold, which no process owns."""
    try:
        used = Path(f"/proc/{family[-1].pid}/net/sockstat").read_text().split(maxsplit=3)[2]
        return int(used) * sum(int(Path(f"/proc/sys/net/core/{size}").read_text()) for size in DEFAULT_BUFFERS)
    except (OSError, IndexError, ValueError):
        return 0


# --- The command ------------------------------------------------------------------------------------------------


def bubblewrap() -> list[str]:
    """The beginning of the command line.

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
    shown = shown_folders()
    return [
        *(path, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--cap-drop", "ALL"),
        # root's own processes are not bound by the limit on their number, so each fork becomes somebody else; others
        # get users of their own, in which a fork may have its own again
        *(word for right in OF_ROOT for word in (("--cap-add", right) if os.geteuid() == 0 else ())),
        *(() if os.geteuid() == 0 else ("--unshare-user", "--uid", "65534", "--gid", "65534")),
        *("--die-with-parent", "--new-session"),
        *(word for folder in SYSTEM for word in ("--ro-bind-try", folder, folder)),
        *("--proc", "/proc", "--dev", "/dev"),
        *(word for folder in FOLDERS for word in ("--perms", "1777", "--size", str(OWN_DISK), "--tmpfs", folder)),
        # after /tmp, since an environment of Python may lie in it
        *(word for folder in _parents(shown) for word in ("--perms", "0755", "--dir", str(folder))),
        *(word for folder in shown for word in ("--ro-bind", str(folder), str(folder))),
        *(
            word
            for folder in HIDDEN
            for word in ("--size", "4096", "--tmpfs", str(folder), "--remount-ro", str(folder))
        ),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"),
    ]


def shown_folders() -> list[Path]:
    """What of the teacher's files is seen inside: Python, its packages, and swinlib, of which `HIDDEN` is empty."""
    packages = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        packages.append(site.getusersitepackages())
    places = [sys.prefix, sys.base_prefix, *packages, LIBRARY / "swinlib"]
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
    others = [number for number in range(max(SOCKETS)) if number not in SOCKETS]
    for call in ("socket", "socketpair"):
        for test in (
            *(seccomp.Arg(0, seccomp.EQ, other) for other in others),
            seccomp.Arg(0, seccomp.GT, max(SOCKETS)),
        ):
            rules.add_rule(seccomp.ERRNO(errno.EAFNOSUPPORT), call, test)
    for size in BUFFER_SIZES:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "setsockopt", seccomp.Arg(2, seccomp.EQ, size))
    # its flags lie in memory, where a filter cannot look; the C library goes back to clone
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
