"""A real sandbox: what code can do in it, what it cannot, and how it ends."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch

from swinlib.classroom import sandbox
from swinlib.classroom.sandbox import EndedError, Limits, NoSandboxError, Sandbox, bubblewrap, refused_calls
from swinlib.classroom.there import answer_in

ROLL = "import torch\ndef roll(x, shift):\n    return x[(torch.arange(len(x)) - shift) % len(x)]"
SECRET = "a word that only the teacher has"
slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def box():
    with Sandbox() as box:
        yield box


def run(box, source):
    ran = box.ask("run", source)
    assert ran["error"] is None, ran["error"]
    return ran["text"].strip()


def error(box, source):
    return box.ask("run", source)["error"]


@pytest.mark.sandbox
def test_cells_run_and_what_they_define_can_be_called(box):
    assert run(box, "print('said')") == "said"
    assert error(box, "1 / 0") == "ZeroDivisionError: division by zero"
    assert "SyntaxError" in error(box, "def roll(x, shift)")
    run(box, ROLL)
    with answer_in(box, "roll", time.monotonic() + 60) as roll:
        assert torch.equal(roll(torch.arange(4), 1), torch.tensor([3, 0, 1, 2]))
    with answer_in(box, "turn", time.monotonic() + 60) as nothing:
        assert nothing == ""


@pytest.mark.sandbox
def test_magics_of_a_notebook_run(box):
    assert run(box, "%matplotlib inline\n%load_ext autoreload\nprint('after')") == "after"


@pytest.mark.sandbox
def test_what_is_printed_is_cut_short(box):
    assert len(box.ask("run", "print('x' * 10**8)")["text"]) == 10_000
    assert box.ask("run", "import os; os.write(1, b'x' * 10**7); os.write(2, b'x' * 10**7)\nprint(1)")["text"] == "1\n"


@pytest.mark.sandbox
def test_nothing_of_the_teacher_can_be_seen(box, tmp_path, monkeypatch):
    (tmp_path / "gradebook.db").write_text(SECRET)
    assert "FileNotFoundError" in error(box, f"open({str(tmp_path / 'gradebook.db')!r})")
    assert run(box, "import os; print([n for n in os.listdir('/proc') if n.isdigit()])").count("'") <= 6
    here = "import pathlib, swinlib; here = pathlib.Path(swinlib.__file__).parents[1]"
    assert run(box, f"{here}\nprint(sorted(path.name for path in here.iterdir()))") == "['swinlib']"
    monkeypatch.setenv("TEACHERS_TOKEN", SECRET)
    with Sandbox() as another:
        assert SECRET not in run(another, "import os; print(os.environ)")
        assert SECRET not in str(another.ask("run", "print(open('/proc/1/environ').read())"))


@pytest.mark.sandbox
def test_nothing_of_the_checks_is_inside(box):
    """Neither their files, nor what they were loaded as, nor what draws their inputs."""
    assert list((sandbox.LIBRARY / "swinlib" / "check").glob("c*.py"))
    look = "import pathlib, sys, swinlib\nhere = pathlib.Path(swinlib.__file__).parent\n"
    assert run(box, look + "print(list((here / 'check').iterdir()))") == "[]"
    loaded = "[name for name in sys.modules if f'{name}.'.startswith(('swinlib.check.', 'hypothesis.'))]"
    assert run(box, look + f"print({loaded}, type(sys.modules['swinlib.check']).__name__)") == (
        "['swinlib.check'] AskingCheck"
    )


@pytest.mark.sandbox
def test_nothing_can_be_written_but_two_folders_in_memory(box):
    folders = ["/", "/dev", "/usr", "/usr/bin", "/etc", "/proc", "/lib"]
    folders += [sys.prefix, os.path.dirname(sandbox.__file__), os.path.dirname(torch.__file__)]
    for folder in folders:
        assert "Error" in error(box, f"open({folder + '/x'!r}, 'w')"), folder
    for folder in ("/tmp", "/dev/shm"):
        run(box, f"open('{folder}/x', 'w').write('x')")
    more = "with open('/tmp/large', 'wb') as f:\n    for _ in range(40):\n        f.write(bytes(2**24))"
    assert "Error" in error(box, more)
    run(box, "import os; os.unlink('/tmp/large')")


@pytest.mark.sandbox
def test_there_is_no_network(box):
    for address in ("127.0.0.1", "192.0.2.1"):
        assert "Error" in error(box, f"import socket; socket.create_connection(({address!r}, 80), 1)")
    assert run(box, "print(open('/proc/net/dev').read().count(':'))") == "1"  # the loopback
    assert run(box, "import socket; print(socket.gethostname())") == "student"
    listen = "import socket; one = socket.create_server(('127.0.0.1', 0))"
    assert run(box, f"{listen}; socket.create_connection(one.getsockname(), 1); print('connected')") == "connected"


@pytest.mark.sandbox
def test_sockets_are_of_the_kinds_that_programs_need(box):
    for kind in ("AF_UNIX", "AF_INET", "AF_INET6"):
        run(box, f"import socket; socket.socket(socket.{kind}).close()")
    for kind in {*range(50)} - {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}:
        assert "Address family not supported" in error(box, f"import socket; socket.socket({kind}, 3)"), kind


@pytest.mark.sandbox
def test_it_is_nobody_and_can_become_nobody_else(box):
    assert run(box, "import os; print(os.getuid() in (0, 1000), os.getgroups())").startswith("False")
    status = run(box, "print(open('/proc/self/status').read())")
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    for user in (0, 1000):
        assert "Error" in error(box, f"import os; os.setuid({user})")


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "call",
    [
        "os.memfd_create('x')",
        "check(libc.shmget(0, 4096, 0o1666))",
        "check(libc.ptrace(16, os.getppid(), 0, 0))",
        "check(libc.unshare(0x10000000))",
        "check(libc.mount(None, b'/', None, 32 | 4096, None))",
        "os.chroot('/tmp')",
        "os.setpriority(os.PRIO_PROCESS, 0, -5)",
    ],
)
def test_the_kernel_refuses(box, call):
    before = (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "def check(result):\n    if result < 0:\n        raise OSError(ctypes.get_errno(), 'refused')\n"
    )
    assert "Errno 1]" in error(box, before + call)


ORDINARY = str(2**30 + 1)  # a user that exists on no system


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="whoever runs this is an ordinary user")
def test_all_this_holds_for_an_ordinary_user_too():
    """The tests of this file once more, by somebody who is not root, but sees what root's home has of Python."""
    home, repository = Path.home(), Path(sandbox.__file__).parents[2]
    theirs = [Path(place) for place in {sys.base_prefix, sys.prefix, repository} if Path(place).is_relative_to(home)]
    above = sorted({parent for place in theirs for parent in place.parents if parent.is_relative_to(home)})
    somebody = ["bwrap", "--dev-bind", "/", "/", "--perms", "0755", "--tmpfs", str(home), "--setenv", "HOME", "/tmp"]
    somebody += [word for place in above[1:] for word in ("--perms", "0755", "--dir", str(place))]
    somebody += [word for place in theirs for word in ("--ro-bind", str(place), str(place))]
    somebody += ["setpriv", "--reuid", ORDINARY, "--regid", ORDINARY, "--clear-groups", sys.executable]
    told = {"capture_output": True, "text": True, "check": False, "cwd": repository}
    seen = subprocess.run([*somebody, "-c", "import swinlib.check"], **told)
    if seen.returncode:
        pytest.skip(f"an ordinary user may not read Python, its packages or swinlib here: {seen.stderr[-200:]}")
    options = ["-n0", "-q", "-p", "no:cacheprovider", f"--basetemp=/tmp/{os.urandom(8).hex()}"]
    ran = subprocess.run([*somebody, "-m", "pytest", *options, "-m", "sandbox and not slow", __file__], **told)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert " passed" in ran.stdout


def lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE  # one that nobody has taken note of is dead all the same
    except psutil.NoSuchProcess:
        return False


FORKS = """
import os, time
for _ in range({children}):
    if not os.fork():
        taken = b"x" * {size}
        time.sleep(20)
time.sleep(20)
"""
THREADS = """
import threading, time
for _ in range({threads}):
    threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
"""
SCRIBBLE = """
import os
for descriptor in range(3, 20):
    try:
        os.write(descriptor, b"x" * 100)
    except OSError:
        pass
"""
LIFT = """
import resource
try:
    resource.setrlimit(resource.RLIMIT_DATA, (2**40, 2**40))
except ValueError:
    pass
taken = bytearray(2**31)
"""


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("limits", "source", "why"),
    [
        (Limits(seconds=1), "while True: pass", "more than 1 seconds of processor time"),
        (Limits(patience=1), "import time; time.sleep(60)", "no answer in 1 seconds"),
        (Limits(memory=2**30), FORKS.format(children=8, size=2**28), "more than 1 GiB of memory"),
        (Limits(), "import os; os._exit(0)", "its process ended"),
        slow(Limits(patience=1), "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "no answer in 1 seconds"),
        slow(Limits(), "import ctypes; ctypes.string_at(0)", "its process ended"),
        slow(
            *(Limits(processes=30), THREADS.format(threads=24) + FORKS.format(children=9, size=1)),
            "more than 30 processes",
        ),
        slow(Limits(), SCRIBBLE, "wrote into the line"),
    ],
    ids=["loop", "sleep", "memory of several", "exit", "stop", "crash", "processes", "forged"],
)
def test_a_sandbox_that_takes_too_much_ends_with_all_that_it_started(limits, source, why, monkeypatch):
    # the kernel's own limit on processes has a test of its own; here it is the watch that must see them
    kept = {**limits.of_each_process(), "RLIMIT_NPROC": 1000}
    monkeypatch.setattr(Limits, "of_each_process", lambda self: kept)
    with Sandbox(limits=limits) as box:
        family = box.process.children(recursive=True)
        assert family
        with pytest.raises(EndedError, match=why):
            box.ask("run", source)
        assert box.process is None
        assert not any(lives(process) for process in family)
        with pytest.raises(EndedError, match="is gone"):
            box.ask("hello")


@pytest.mark.sandbox
def test_memory_of_one_process_is_limited_by_the_kernel():
    with Sandbox(limits=Limits(memory=2**30)) as box:
        assert "MemoryError" in error(box, "taken = bytearray(2**31)")
        assert "MemoryError" in error(box, LIFT)


@pytest.mark.sandbox
def test_files_are_limited_by_the_kernel():
    with Sandbox(limits=Limits(files=100)) as box:
        assert "No space left" in error(box, "for n in range(200):\n    open(f'/tmp/{n}', 'w').close()")


@pytest.mark.sandbox
def test_open_sockets_count_as_memory():
    with Sandbox() as box:
        before = sandbox._socket_memory(box.process.children(recursive=True))
        run(box, "import socket; kept = [socket.socket() for _ in range(40)]")
        held = sandbox._socket_memory(box.process.children(recursive=True)) - before
    assert held == 40 * sum(int(Path(f"/proc/sys/net/core/{size}").read_text()) for size in sandbox.DEFAULT_BUFFERS)


@pytest.mark.sandbox
def test_processes_are_limited_by_the_kernel():
    with Sandbox(limits=Limits(processes=20)) as box:
        said = box.ask("run", "import subprocess\nwaiting = [subprocess.Popen(['sleep', '9']) for _ in range(60)]")
        assert "Resource temporarily unavailable" in str(said["error"])


@pytest.mark.sandbox
def test_two_sandboxes_know_nothing_of_each_other():
    with Sandbox() as one, Sandbox() as other:
        run(one, "open('/tmp/note', 'w').write('x'); open('/dev/shm/note', 'w').write('x')")
        assert "FileNotFoundError" in error(other, "open('/tmp/note')")
        assert "FileNotFoundError" in error(other, "open('/dev/shm/note')")


@pytest.mark.sandbox
def test_a_worker_ends_when_the_grader_does():
    box = Sandbox()
    box.start()
    family = [box.process, *box.process.children(recursive=True)]
    box.channel.close()
    assert not psutil.wait_procs(family, timeout=20)[1]
    box.stop()


def test_without_bubblewrap_it_refuses_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(NoSandboxError, match=r"apt-get install bubblewrap.*--unsafe-run-code-without-a-sandbox"):
        Sandbox().start()


def test_on_another_system_it_refuses(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    with pytest.raises(NoSandboxError, match="this is darwin, not Linux"):
        bubblewrap()
    monkeypatch.setattr(sandbox.sys, "platform", "win32")
    for unsafe in (False, True):
        with pytest.raises(NoSandboxError, match="wsl --install"):
            Sandbox(unsafe=unsafe).start()


def test_a_bubblewrap_that_starts_nothing_is_told_with_its_own_words(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: str(fake))
    monkeypatch.setattr(sandbox.sys, "platform", "linux")
    with pytest.raises(NoSandboxError, match=r"No permissions to create new namespace\n.*swinlib.doctor"):
        Sandbox().start()


def test_without_libseccomp_it_refuses(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    refused_calls.cache_clear()
    with pytest.raises(NoSandboxError, match="libseccomp2"):
        refused_calls()
    refused_calls.cache_clear()


@pytest.mark.slow
def test_what_says_that_it_is_unsafe_runs_code_without_a_sandbox(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    with Sandbox(unsafe=True) as box:
        assert run(box, f"print(open({str(secret)!r}).read())") == SECRET
        started = time.monotonic()
        box.limits = Limits(seconds=1)
        with pytest.raises(EndedError, match="processor time"):
            box.ask("run", "while True: pass")
        assert time.monotonic() - started < 30


@pytest.mark.parametrize("lists", [True, False])
def test_all_that_descends_from_a_process_is_watched(monkeypatch, lists):
    """Where the kernel lists the children of a process, and where it does not."""
    if lists and not sandbox._kernel_lists_children():
        pytest.skip("This kernel does not.")
    monkeypatch.setattr(sandbox, "_kernel_lists_children", lambda: lists)
    process = psutil.Popen(["sh", "-c", "(sleep 60 & sleep 60 & wait) & echo begun; wait"], stdout=subprocess.PIPE)
    process.stdout.readline()
    for _ in range(500):
        if len(family := sandbox._family(process)) == 4:
            break
        time.sleep(0.01)
    assert len(family) == 4
    assert set(family) == {process, *process.children(recursive=True)}
    for each in reversed(family):
        with contextlib.suppress(psutil.NoSuchProcess):  # a shell ends when those that it waits for do
            each.kill()
    process.wait()
    assert sandbox._family(process) == []
