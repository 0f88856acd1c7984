"""Several processes: the same curve as one, and an end to every wait. With real processes, over gloo."""

import csv
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from swinlib.training import train
from swinlib.training.__main__ import EXIT_ERROR, EXIT_STOPPED, main

DRIVER = Path(__file__).with_name("driver.py")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL, SIGSTOP and SIGTERM.")


def curve(folder, column="loss"):
    with open(folder / "metrics.csv", newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def torchrun(*options, config, command, spec="{}"):
    """Two ranks under torchrun; what it printed, and its exit code."""
    arguments = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *options]
    return subprocess.run(
        [*arguments, str(DRIVER), spec, *command(config)], capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("accumulation", [1, 3])
def test_two_processes_give_the_curve_of_one(tiny, pair, accumulation):
    """Batches of 7 and 8 images are shares of 3 and 4, and are computed in uneven parts."""
    one = tiny("one")
    assert train(one).finished
    two = tiny("two", grad_accumulation=accumulation)
    for code, said in [process.wait() for process in pair(two)]:
        assert code == 0, said
    assert len(curve(two.output)) == 15
    for column in ("loss", "gradient_norm", "learning_rate", "val_loss", "val_accuracy"):
        torch.testing.assert_close(curve(two.output, column), curve(one.output, column), rtol=0, atol=1e-5)
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (two.output, one.output))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_rank_dies_under_torchrun_and_all_are_started_again(tiny, pair, command):
    whole = tiny("whole", drop_path_rate=0.2, mixup=0.4)
    for code, said in [process.wait() for process in pair(whole)]:
        assert code == 0, said
    config = tiny("killed", drop_path_rate=0.2, mixup=0.4)
    spec = '{"rank": 1, "step": 6, "signal": "SIGKILL"}'
    ended = torchrun("--max-restarts=1", config=config, command=command, spec=spec)
    assert ended.returncode == 0, ended.stderr
    assert "failed (exitcode: -9) local_rank: 1" in ended.stderr
    assert (config.output / "metrics.csv").read_text() == (whole.output / "metrics.csv").read_text()
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (config.output, whole.output))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize(
    ("name", "timeout"), [("SIGKILL", 60.0), pytest.param("SIGSTOP", 10.0, marks=pytest.mark.slow)]
)
def test_a_rank_dies_or_hangs_and_the_other_says_so(tiny, pair, name, timeout):
    """The timeout is also for the two to find each other, which takes seconds where other tests keep all cores busy."""
    config = tiny(timeout=timeout)
    first, second = pair(config, rank=1, step=6, signal=name)
    code, said = first.wait(60)
    assert code == EXIT_ERROR, said
    assert "error: rank 0 lost another process" in said
    assert "Traceback" not in said
    if name == "SIGKILL":
        assert second.wait()[0] == -signal.SIGKILL
    assert torch.load(config.output / "checkpoint.pt", weights_only=True)["step"] == 4


def test_a_signal_to_one_rank_stops_all_after_the_same_step(tiny, pair):
    config = tiny()
    for code, said in [process.wait() for process in pair(config, rank=1, step=6, signal="SIGTERM")]:
        assert (code, "stopped after step 6" in said) == (EXIT_STOPPED, True), said
    assert torch.load(config.output / "checkpoint.pt", weights_only=True)["step"] == 6
    assert [process.wait()[0] for process in pair(config)] == [0, 0]
    one = tiny("one")
    train(one)
    torch.testing.assert_close(curve(config.output), curve(one.output), rtol=0, atol=1e-5)


def as_rank(monkeypatch, port, rank=0, world_size=2):
    values = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": world_size, "RANK": rank}
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))


def test_a_port_in_use(tiny, command, monkeypatch, capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        as_rank(monkeypatch, port)
        assert main(command(tiny())) == EXIT_ERROR
    said = capfd.readouterr().err
    assert f"error: port {port} is in use" in said
    assert "--master-port" in said


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_never_comes(tiny, command, monkeypatch, free_port, capfd, rank):
    as_rank(monkeypatch, free_port, rank)
    assert main(command(tiny(timeout=1.0))) == EXIT_ERROR
    said = capfd.readouterr().err
    assert f"error: rank {rank} of 2 could not join the others at 127.0.0.1:{free_port} within 1 s" in said


def test_more_processes_than_images(tiny, pair):
    for code, said in [process.wait() for process in pair(tiny(batch_size=1))]:
        assert code == EXIT_ERROR
        assert "too few for 2 processes" in said


def test_a_checkpoint_that_only_one_machine_sees(tiny, pair, start):
    """Rank 1 looks into another folder, as without a shared disk."""
    begun, elsewhere = tiny("begun"), tiny("elsewhere")
    assert start(begun, rank=0, step=5, signal="SIGTERM").wait()[0] == EXIT_STOPPED
    for code, said in [process.wait() for process in pair(begun, elsewhere)]:
        assert code == EXIT_ERROR
        assert "on a disk that all machines share" in said
