"""A class graded on several machines: a client of Dask's scheduler, and what its workers do.

For each student one task is sent. Its function is `grade_text`, which Dask pickles by its name, so that swinlib must be
installed where the scheduler and the workers are; its only argument is a JSON text with the student's code and the
checks. What comes back is a JSON text as well, which no pickle wraps: the client accepts results in MessagePack only,
which knows no more than numbers, texts, lists and tables. `grader.read_answer` then checks it field by field.

What Dask pickles besides are messages of its own: the name of the function, the argument (a plain ``str``, on its way
to the worker), errors of its own code, and a finished text where a worker that retires hands it to another. The
teacher's machine unpickles nothing that came out of a sandbox. But by such messages whoever holds a certificate of the
cluster can run code on all of its machines, the teacher's included: the certificates are the border, and every address
must be ``tls://``.

A student's code runs on a worker as it does at home: in a sandbox, which a process starts that ends with the job (see
`grader`). A worker without bubblewrap refuses.
"""

import asyncio
import atexit
import contextlib
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

from swinlib import check

from . import grader
from .grader import (
    DIED,
    FILES,
    READY,
    DiedError,
    RefusedError,
    TextError,
    Work,
    make_folder,
    read_answer,
    read_work,
    refusal_text,
    remove_what_is_left,
    versions,
    work_text,
)
from .grading import TOGETHER, Graded, Limits, _not_graded
from .sandbox import STARTING

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Cluster", "ClusterError", "Job", "dask_setup", "end_job", "grade_text"]

CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")
PLAIN = ["msgpack", "error"]  # what results may be written in; Dask would also take pickles
CONNECTING = 30.0  # seconds for the scheduler to answer
NO_WORKERS = 60.0  # seconds that a job waits for a worker when there is none
LOOK_EVERY = 2.0  # seconds between two looks at which workers there are
IDLE = 60.0  # seconds after which a grader ends that nobody needs; the teacher's machine may have gone
ENDED = "the grader itself ended while looking at this"
GOES_ON = "What is graded stays so; the same command goes on from there."
CLEARING = 10.0  # seconds for a grader to end by itself
NONSENSE = "what the worker sent back made no sense"


class ClusterError(RuntimeError):
    """The cluster cannot grade; the message says which part of it, and what to do. What is graded stays so."""


# The teacher's side ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    """Where a scheduler of Dask is, and the certificates by which it is known.

    Attributes:
        address: such as ``tls://grader.example.org:8786``.
        certificates: a folder with ``ca.pem``, ``cert.pem`` and ``key.pem``.
    """

    address: str
    certificates: Path

    def __post_init__(self) -> None:
        """Look at both.

        Raises:
            ClusterError: if the line would not be encrypted, or a certificate is missing.
        """
        if not self.address.startswith("tls://"):
            raise ClusterError(
                f"--scheduler must be an address that begins with tls://, got {self.address!r}: students' work, "
                "checks and the seed travel to it. Start the scheduler with `--protocol tls` and certificates, as "
                "book/instructors.md says."
            )
        missing = [name for name in CERTIFICATES if not (self.certificates / name).is_file()]
        if missing:
            raise ClusterError(
                f"{self.certificates} has no {', '.join(missing)}; --tls names the folder of the certificates, which "
                f"holds {', '.join(CERTIFICATES)}. book/instructors.md says how to make them."
            )

    def connect(self) -> "Client":
        """A client of the scheduler, which takes no result that is pickled.

        Raises:
            ClusterError: if Dask is not installed, or the scheduler does not answer.
        """
        try:
            from distributed import Client, Security
        except ImportError as error:
            raise ClusterError(f"--scheduler needs Dask: type `pip install 'swinlib[cluster]'` ({error}).") from None
        authority, certificate, key = (str(self.certificates / name) for name in CERTIFICATES)
        try:
            security = Security(
                require_encryption=True, tls_ca_file=authority, tls_client_cert=certificate, tls_client_key=key
            )
            return Client(
                self.address,
                security=security,
                timeout=CONNECTING,
                set_as_default=False,
                serializers=PLAIN,
                deserializers=PLAIN,
            )
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            raise ClusterError(
                f"the scheduler {self.address} does not answer ({type(error).__name__}: {error}). Is it running, with "
                f"certificates of the same authority as those in {self.certificates}?"
            ) from None

    @contextlib.contextmanager
    def job(
        self,
        exercises: Sequence[str],
        *,
        checks: str,
        seed: int,
        begun: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Iterator["Job"]:
        """Students who are graded in one go; when it ends, however it does, so do the workers' graders.

        Args:
            exercises: names of those to grade.
            checks: where they are defined, see `swinlib.check.load`.
            seed: of what the checks draw.
            begun: by exercise, the cell that was handed out.
            limits: what each sandbox may take.

        Raises:
            ClusterError: if there is no worker, or one refuses.
        """
        work = Work(
            job=secrets.token_hex(16),
            versions=versions(),
            seed=seed,
            limits=limits or Limits(),
            **_asked({"checks": checks, "exercises": exercises, "begun": begun}),
        )
        with self.connect() as client:
            job = Job(client, self.address, work)
            try:
                job.ask_workers()
                yield job
            finally:
                job.end()


def _asked(told: Mapping[str, Any]) -> dict[str, object]:
    """Fields of `Work`: what of ``checks``, ``exercises`` and ``begun`` is told."""
    fields: dict[str, object] = {}
    if "checks" in told:
        fields["checks"], fields["file"] = _checks(told["checks"])
    if "exercises" in told:
        fields["exercises"] = tuple(told["exercises"])
    if "begun" in told:
        fields["begun"] = dict(told["begun"] or {})
    return fields


def _checks(checks: str) -> tuple[str, str | None]:
    """The name of a chapter, or the text of a file and what it is written in."""
    if checks in check.CHAPTERS:
        return checks, None
    path = Path(checks)
    if not path.is_file() or path.suffix[1:] not in FILES:
        raise ClusterError(f"{checks!r} is neither a chapter nor a file of checks; these end in .py or .toml.")
    return path.read_text(encoding="utf-8"), path.suffix[1:]


@dataclass
class Job:
    """Work that is handed to the workers of a cluster; `Cluster.job` makes one."""

    client: "Client"
    address: str
    work: Work
    number: int = 0  # of tasks that were sent
    waiting: set["Future"] = field(default_factory=set)
    workers_seen: float = field(default_factory=time.monotonic)

    def ask_workers(self) -> None:
        """Ask every worker whether it could grade a student; their graders start by that.

        Raises:
            ClusterError: if there is none, or one refuses.
        """
        while not (workers := self.workers()):
            time.sleep(0.2)
        asked = {self.send(self.work, workers=[worker], allow_other_workers=False): worker for worker in workers}
        while asked:
            for future in self.some_of(asked):
                worker = asked.pop(future)
                self.waiting.discard(future)
                with contextlib.suppress(TimeoutError):
                    self.must_be_ready(worker, future)
            there = self.workers()  # one that has gone meanwhile is asked no more
            asked = {future: worker for future, worker in asked.items() if worker in there}

    def must_be_ready(self, worker: str, future: "Future") -> None:
        try:
            read_answer(self.result(future), self.work)
        except (TextError, DiedError) as error:
            raise ClusterError(f"the worker {worker} gave no answer that makes sense: {error}.") from None
        except RefusedError as error:
            raise ClusterError(str(error)) from None

    def grade(
        self,
        submissions: Mapping[str, Sequence[str]],
        own: Mapping[str, Mapping[str, object]] | None = None,
    ) -> Iterator[tuple[str, Graded]]:
        """Grade students, each once, whatever happens to the workers that do it.

        Args:
            submissions: the sources of the code cells, by any name.
            own: by name, the ``exercises``, ``checks`` and ``begun`` of those who have others than the job.

        Yields:
            Name and grades of each, as soon as they are known, in any order.

        Raises:
            ClusterError: if a worker refuses, or there is none any more.
        """
        works = {
            name: replace(self.work, cells=tuple(cells), **_asked((own or {}).get(name, {})))
            for name, cells in submissions.items()
        }
        alone = []  # students at whose work several workers died, which may have been another's fault
        for name, graded in self._grade(works):
            if graded is None:
                alone.append(name)
            else:
                yield name, graded
        for name in alone:
            for _, graded in self._grade({name: works[name]}):
                yield name, graded or _not_graded(works[name].exercises, ENDED)

    def _grade(self, works: Mapping[str, Work]) -> Iterator[tuple[str, Graded | None]]:
        """Grades, or None where as many workers died as the scheduler allows."""
        left, sent = list(works), {}
        while left or sent:
            # no more than keeps all workers busy, so that little lies around that waits
            room = max(0, 2 * sum(self.workers().values()) + 1 - len(sent))
            sent |= {self.send(works[name]): name for name in left[:room]}
            del left[:room]
            for future in self.some_of(sent):
                try:
                    graded = self.graded(future, works[sent[future]])
                except TimeoutError:  # its worker has just gone, and another grades it
                    continue
                self.waiting.discard(future)
                yield sent.pop(future), graded

    def graded(self, future: "Future", work: Work) -> Graded | None:
        """The grades of a student whose task is done; None if the workers died.

        Raises:
            TimeoutError: if the result has gone with its worker, so that the task is not done any more.
            ClusterError: if the worker refuses.
        """
        try:
            text = self.result(future)
            return None if text is None else read_answer(text, work)
        except TextError:
            return _not_graded(work.exercises, NONSENSE)
        except DiedError:
            return _not_graded(work.exercises, ENDED)
        except RefusedError as error:
            raise ClusterError(f"{error} {GOES_ON}") from None

    def send(self, work: Work, **where: object) -> "Future":
        """Hand a task to the scheduler."""
        self.number += 1  # a name of the task that says nothing about whose it is
        future = self.client.submit(
            grade_text, work_text(work), key=f"{grade_text.__name__}-{work.job}-{self.number}", pure=False, **where
        )
        self.waiting.add(future)
        return future

    def result(self, future: "Future") -> str | None:
        """What came back, whatever it is; None if the workers died."""
        from distributed import CancelledError, KilledWorker

        if future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                return None
            raise ClusterError(
                f"a worker of {self.address} could not begin: {type(error).__name__}: {error}. Is swinlib[cluster] "
                f"installed on all of them, as here? {GOES_ON}"
            )
        try:
            return future.result(timeout=CONNECTING)
        except TimeoutError:
            raise
        except CancelledError:
            raise ClusterError(f"the scheduler {self.address} has forgotten this job. {GOES_ON}") from None
        except Exception as error:  # of Dask, at something that is no plain text
            raise TextError(f"{type(error).__name__} while it was fetched") from None

    def workers(self) -> dict[str, int]:
        """The workers that there are, and how many students each grades at a time.

        Raises:
            ClusterError: if the scheduler has gone, or there has been no worker for a while.
        """
        try:
            workers = dict(self.client.nthreads())
        except (OSError, TimeoutError) as error:
            raise ClusterError(f"the scheduler {self.address} has gone ({error}). {GOES_ON}") from None
        now = time.monotonic()
        if workers:
            self.workers_seen = now
        if now > self.workers_seen + NO_WORKERS:
            raise ClusterError(
                f"{self.address} has had no worker for {NO_WORKERS:g} seconds; start one by `dask worker "
                f"{self.address}` with its certificates. {GOES_ON}"
            )
        return workers

    def some_of(self, futures: Collection["Future"]) -> set["Future"]:
        """Those that are done, as soon as one is; none if something else is worth a look."""
        from distributed import CancelledError, wait

        try:
            with self.client.as_current():
                return set(wait(list(futures), timeout=LOOK_EVERY, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return set()
        except CancelledError:
            raise ClusterError(f"the scheduler {self.address} has forgotten this job. {GOES_ON}") from None

    def end(self) -> None:
        """Cancel what is not done, and end the graders of this job on all workers."""
        with contextlib.suppress(Exception):  # where the cluster has gone, its graders have too
            self.client.cancel(list(self.waiting), force=True)
            self.client.run(end_job, self.work.job, on_error="ignore")


# The worker's side ----------------------------------------------------------------------------------------------


def grade_text(text: str) -> str:
    """The task of a worker: have a student graded by a process of this job.

    Args:
        text: as `grader.work_text` writes it.

    Returns:
        A text for `grader.read_answer`. Nothing is raised, since Dask would pickle it.
    """
    from distributed import get_worker

    address = get_worker().address
    try:
        told = read_work(text)
        for _ in range(2):  # a grader may have been ended for the sake of somebody else
            with _a_grader(told.job, address) as one:
                answer = one.ask(text, _longest(told.limits))
            if answer is not None:
                return answer
        return DIED
    except Exception as error:
        return refusal_text(address, f"{type(error).__name__}: {error}")


def _longest(limits: Limits) -> float:
    """Seconds that a student takes at most, unless the grader itself hangs."""
    return 2 * STARTING + 3 * TOGETHER * limits.patience


def dask_setup(server: object) -> None:
    """What Dask calls where this module is preloaded, so that PyTorch is loaded before there is work."""
    remove_what_is_left(Path(tempfile.gettempdir()))


async def end_job(job: str) -> None:
    """End all graders of a job, in the middle of a student too, and begin none any more."""
    with _lock:
        _ended.append(job)
        graders = _graders.pop(job, set())
    await asyncio.gather(*(asyncio.to_thread(one.stop) for one in graders))


class _Grader:
    """A process of `grader`, and the folder in which it keeps private checks."""

    def __init__(self, worker: str) -> None:
        self.folder = make_folder()
        self.busy = True
        self.stopping = threading.Lock()
        self.idle: threading.Timer | None = None
        command = [sys.executable, "-m", grader.__name__, str(self.folder), worker]
        # a session of its own: what interrupts the worker lets this end by itself, and clear away
        self.process = subprocess.Popen(
            command, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if self._line_within(STARTING) != READY:
            self.stop()
            raise RuntimeError(f"its grader does not start; type `{sys.executable} -m swinlib.doctor` there.")

    def ask(self, text: str, seconds: float) -> str | None:
        """The answer; None if the process ends before, which it is made to when the time is over."""
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
            line = self._line_within(seconds)
        except (OSError, ValueError):
            return None
        return line.decode().rstrip("\n") if line.endswith(b"\n") else None

    def _line_within(self, seconds: float) -> bytes:
        late = threading.Timer(seconds, self.process.kill)
        late.daemon = True
        late.start()
        try:
            return self.process.stdout.readline()
        finally:
            late.cancel()

    def stop(self) -> None:
        """End the process, and remove the folder, which it may not have done itself."""
        with self.stopping:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            try:
                self.process.wait(CLEARING)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)


_graders: dict[str, set[_Grader]] = {}  # by job
_ended: deque[str] = deque(maxlen=1000)
_lock = threading.Lock()


@contextlib.contextmanager
def _a_grader(job: str, worker: str) -> Iterator[_Grader]:
    """One that serves nobody else meanwhile."""
    with _lock:
        free = next((one for one in _graders.get(job, ()) if not one.busy), None)
        if free is not None:
            free.busy = True
            free.idle.cancel()
        elif job in _ended:
            raise RuntimeError("this job is over.")
    if free is None:
        free = _Grader(worker)
        with _lock:
            if job not in _ended:
                _graders.setdefault(job, set()).add(free)
    try:
        yield free
    finally:
        _put_back(job, free)


def _put_back(job: str, used: _Grader) -> None:
    """Keep a grader for the next student, for a while; end it if it has died, or its job is over."""
    with _lock:
        lives = used in _graders.get(job, ()) and used.process.poll() is None
        if lives:
            used.busy = False
            used.idle = threading.Timer(IDLE, _end_idle, (job, used))
            used.idle.daemon = True
            used.idle.start()
        else:
            _forget(job, used)
    if not lives:
        used.stop()


def _end_idle(job: str, unused: _Grader) -> None:
    with _lock:
        if unused.busy:
            return
        _forget(job, unused)
    unused.stop()


def _forget(job: str, one: _Grader) -> None:
    _graders.get(job, set()).discard(one)
    if not _graders.get(job, True):
        del _graders[job]


@atexit.register
def _end_all() -> None:
    for job in list(_graders):
        for one in list(_graders.get(job, ())):
            one.stop()
