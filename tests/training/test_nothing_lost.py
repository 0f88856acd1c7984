"""Killed at any moment, a run ends with the weights and the curve that it would have had: with real processes."""

import os
import signal
import time

import pytest
import torch
from safetensors.torch import load_file

from swinlib.training.__main__ import EXIT_ERROR, EXIT_STOPPED, main
from swinlib.training.state import write_atomically, write_checkpoint

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL, SIGTERM and fork.")


@pytest.fixture
def config(tiny):
    """As that of ``unbroken``."""
    return tiny(drop_path_rate=0.2, mixup=0.4)


def same_weights(folder, other):
    """Whether two runs ended bit for bit alike: in the weights exported, and in all that a checkpoint holds."""
    ours, theirs = (load_file(f / "model.safetensors") for f in (folder, other))
    equal = ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)
    ours, theirs = (torch.load(f / "checkpoint.pt", weights_only=True) for f in (folder, other))
    parts = ("step", "evaluated", "best", "model", "ema", "optimizer", "schedule", "scaler")
    equal = equal and (folder / "best.safetensors").read_bytes() == (other / "best.safetensors").read_bytes()
    return equal and all(alike(ours[part], theirs[part]) for part in parts)


def alike(a, b):
    """Equality of nested dicts, lists and tensors."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b


def same_curve(folder, other):
    return (folder / "metrics.csv").read_text() == (other / "metrics.csv").read_text()


def step_of(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)["step"]


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch(config, start, unbroken):
    code, _ = start(config, rank=0, step=7, signal="SIGKILL").wait()
    assert code == -signal.SIGKILL
    assert step_of(config.output) == 4
    assert not (config.output / "model.safetensors").exists()
    code, said = start(config).wait()
    assert code == 0, said
    assert same_weights(config.output, unbroken)
    assert same_curve(config.output, unbroken)


@pytest.mark.slow
def test_killed_whenever_it_pleases(tiny, start, command, unbroken):
    """No step is chosen: the clock does it, while a checkpoint is written after every step."""
    config = tiny(drop_path_rate=0.2, mixup=0.4, checkpoint_every=1)
    rows = config.output / "metrics.csv"
    for target in (3, 8):
        process = start(config)
        while process.process.is_alive() and (not rows.exists() or rows.read_text().count("\n") <= target):
            time.sleep(0.002)
        process.process.kill()
        assert process.wait()[0] == -signal.SIGKILL
        assert step_of(config.output) >= target - 1
    assert main(command(config)) == 0
    assert same_weights(config.output, unbroken)
    assert same_curve(config.output, unbroken)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_asked_to_stop(config, start, command, unbroken, name):
    """It finishes the step and says how to go on, though a checkpoint was not due."""
    code, said = start(config, rank=0, step=6, signal=name).wait()
    assert code == EXIT_STOPPED
    assert "stopped after step 6; the same command goes on from there" in said
    assert step_of(config.output) == 6
    assert main(command(config)) == 0
    assert same_weights(config.output, unbroken)
    assert same_curve(config.output, unbroken)


def test_asked_to_stop_together_with_its_workers(tiny, start, command, unbroken):
    """Schedulers of clusters signal every process of a job: the workers that load images must not die first."""
    config = tiny(drop_path_rate=0.2, mixup=0.4, workers=1)
    process = start(config, group=True, rank=0, step=6, signal="SIGTERM")
    code, said = process.wait()
    assert code == EXIT_STOPPED, said
    assert step_of(config.output) == 6
    assert main(command(config)) == 0
    assert same_weights(config.output, unbroken)


def test_full_disk(config, start, command, unbroken, capfd):
    """A limit on the size of files stands for a full disk: for the program, both are an error while it writes."""
    assert start(config, rank=0, step=5, signal="SIGTERM").wait()[0] == EXIT_STOPPED
    before = (config.output / "checkpoint.pt").read_bytes()
    code, said = start(config, largest_file=len(before) // 2).wait()
    assert code == EXIT_ERROR
    assert "checkpoint.pt could not be written: File too large. The previous one is intact. Free some space" in said
    assert "Traceback" not in said
    assert (config.output / "checkpoint.pt").read_bytes() == before
    assert not list(config.output.glob("*.part"))
    assert main(command(config)) == 0
    assert same_weights(config.output, unbroken)
    assert same_curve(config.output, unbroken)


def test_disk_full_from_the_beginning(config, start):
    code, said = start(config, largest_file=2000).wait()
    assert code == EXIT_ERROR
    assert "checkpoint.pt could not be written: File too large. There was no earlier one." in said
    assert not list(config.output.glob("checkpoint.pt*"))


@pytest.mark.parametrize("moment", ["fsync", "replace", "half written"])
def test_killed_while_writing_a_checkpoint(tmp_path, moment):
    """A child is killed before, after and between the steps of writing; what is read then is whole."""
    path = tmp_path / "checkpoint.pt"
    old, new = ({"step": step, "config": {}, "data": {}, "weights": torch.full((20_000,), step)} for step in (1, 2))
    write_checkpoint(path, old)
    child = os.fork()
    if child == 0:  # never comes back
        die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        if moment == "half written":
            write_atomically(path, lambda file: (file.write(b"half"), file.flush(), die()))
        setattr(os, moment, die)
        write_checkpoint(path, new)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert alike(torch.load(path, weights_only=True), old)
    write_checkpoint(path, new)  # what the dead one left is not in the way
    assert alike(torch.load(path, weights_only=True), new)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_checkpoint_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    """A machine that loses its power would else find an empty file of the right name."""
    done = []
    fsync, replace = os.fsync, os.replace

    def kind(descriptor):
        return "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"

    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append(kind(descriptor)), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("name"), replace(*names)))
    write_checkpoint(tmp_path / "checkpoint.pt", {"step": 1})
    assert done == ["file", "name", "folder"]


def test_a_run_that_is_done_stays_as_it_is(config, start, command, unbroken, capfd):
    assert main(command(config)) == 0
    first = capfd.readouterr().out
    assert "15 steps; held-out images: accuracy" in first
    assert main(command(config)) == 0
    assert capfd.readouterr().out == first
    assert same_weights(config.output, unbroken)
    assert same_curve(config.output, unbroken)
