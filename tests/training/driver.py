"""``python -m swinlib.training`` that sends itself a signal after the step told, on the rank told.

Started by torchrun as ``driver.py '{"rank": 1, "step": 5, "signal": "SIGKILL"}' OPTIONS``, or run in a process of the
test's by ``runpy.run_path(..., {"spec": ..., "arguments": ...})``. After a restart by torchrun it sends none.
"""

import json
import multiprocessing
import os
import signal
import sys

import torch

from swinlib.training import loop
from swinlib.training.__main__ import main

if "spec" not in globals():
    spec, arguments = json.loads(sys.argv[1]), sys.argv[2:]
os.environ.update(spec.get("environment", {}))
if "log" in spec:
    for stream in (1, 2):
        os.dup2(os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)

if "largest_file" in spec:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (spec["largest_file"], resource.RLIM_INFINITY))
if spec.get("group"):
    os.setsid()

multiprocessing.set_start_method(None, force=True)  # for its loaders: the platform's own again, not the test's
torch.set_num_threads(1)
train_step = loop.train_step


def train_step_and_signal(state, *arguments):
    """The step; then the signal, before anything of the step is written."""
    result = train_step(state, *arguments)
    if state.step == spec["step"]:
        send = os.killpg if spec.get("group") else os.kill
        send(os.getpid(), getattr(signal, spec["signal"]))
    return result


if os.environ.get("RANK", "0") == str(spec.get("rank")) and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0":
    loop.train_step = train_step_and_signal

sys.exit(main(arguments))
