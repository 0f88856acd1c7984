"""Several processes as one: ranks from torchrun's environment, one sum over all of them, and a stop for all."""

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process among those that train together."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum of a tensor over all processes, on each of them. In place."""
        if self.world_size > 1:
            dist.all_reduce(values)
        return values


@contextmanager
def joined_processes(device: str = "auto", timeout: float = 600.0) -> Iterator[Processes]:
    """Join the processes that torchrun started; without torchrun, be the only one.

    Args:
        device: ``"auto"`` for a CUDA device if there is one, else the CPU; or a device of torch.
        timeout: seconds that a process waits for the others, here and in each sum, before it raises an error.

    Raises:
        ConnectionError: if the processes do not find each other, as when the port is in use or one never comes, or
            lose each other later.
        ValueError: if there is no such device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    processes = Processes(rank, world_size, _usable(device))
    if processes.device.type == "cuda":
        torch.cuda.set_device(processes.device)
    if world_size == 1:
        yield processes
        return
    backend, wait = "nccl" if processes.device.type == "cuda" else "gloo", timedelta(seconds=timeout)
    try:
        store = _unused_part(next(dist.rendezvous("env://", timeout=wait))[0], rank, world_size, timeout)
        dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=wait)
        # all have joined before one that finds fault with its data may end, and take the store with it
        processes.sum(torch.zeros((), device=processes.device))
    except (dist.DistError, RuntimeError, ValueError) as error:
        raise ConnectionError(_why_not_joined(error, processes, timeout)) from error
    try:
        yield processes
    except RuntimeError as error:  # of gloo; NCCL's is a DistBackendError, which is one too
        if not any(sign in str(error) for sign in _LOST):
            raise
        raise ConnectionError(
            f"rank {rank} lost another process: {str(error).splitlines()[0]} Its own error says why. Start all of "
            f"them again, as torchrun --max-restarts does by itself, to resume from the last checkpoint."
        ) from error
    dist.destroy_process_group()  # not after an error, when it might wait for a process that is gone


def _usable(device: str) -> torch.device:
    try:
        return torch.zeros((), device=device).device
    except (RuntimeError, AssertionError) as error:  # an unknown word, no driver, or torch built without it
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {device!r} cannot be used here: {reason} Give another, such as cpu.") from error


def _unused_part(store: dist.Store, rank: int, world_size: int, timeout: float) -> dist.Store:
    """A part of the store that processes use to meet, which none that have died have written to.

    torchrun keeps its store when it starts processes again, with the addresses of the dead in it, and gloo waits for
    these for ever (pytorch issue 135712). So rank 0 makes up a name, hands it to whoever asks under a name of its own,
    dead or alive, and goes on when all ranks have answered to it.
    """
    name = uuid.uuid4().hex
    if rank > 0:
        store.set(f"asks/{rank}", name)
        given = store.get(f"given/{name}").decode()  # waits for it
        store.set(f"{given}/{rank}", "")
        return dist.PrefixStore(given, store)
    missing, deadline = set(range(1, world_size)), time.monotonic() + timeout
    while missing:
        for other in missing:
            if store.check([f"asks/{other}"]):
                store.set(f"given/{store.get(f'asks/{other}').decode()}", name)
        missing = {other for other in missing if not store.check([f"{name}/{other}"])}
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing was heard from rank {', '.join(map(str, sorted(missing)))}.")
        time.sleep(0.02)
    return dist.PrefixStore(name, store)


# in what gloo and NCCL say when a process is gone, or has not answered within the timeout
_LOST = ("Connection closed", "Connection reset", "Broken pipe", "Timed out", "timed out", "timeout", "NCCL")


def _why_not_joined(error: Exception, processes: Processes, timeout: float) -> str:
    address, port = os.environ.get("MASTER_ADDR", "?"), os.environ.get("MASTER_PORT", "?")
    reason = str(error).splitlines()[0]
    if "EADDRINUSE" in reason or "address already in use" in reason.lower():
        return (
            f"port {port} is in use, perhaps by another training run. Choose another with torchrun --master-port PORT "
            f"(or the variable MASTER_PORT), or let torchrun find a free one: torchrun --standalone."
        )
    return (
        f"rank {processes.rank} of {processes.world_size} could not join the others at {address}:{port} within "
        f"{timeout:g} s: {reason} Start all of them, and check that the address is that of the machine of rank 0."
    )


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM or Ctrl-C sets, so that a step can be finished. A second Ctrl-C interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # the only one that may handle signals
        yield stop
        return

    def request(number: int, _frame: object) -> None:
        stop.set()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, request) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals(_worker: int) -> None:
    """For the workers of a loader, which a signal to the whole group reaches too: their trainer ends them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
