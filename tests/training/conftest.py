"""A training small enough to be run, killed and resumed many times: 37 pictures, a Swin of two tiny stages."""

import multiprocessing
import runpy
import socket
from pathlib import Path

import pytest
import torch
from torchvision.io import write_png

from swinlib.training import Config, train

DRIVER = Path(__file__).with_name("driver.py")
# 37 pictures in batches of at most 8 are 5 steps an epoch, of 7 or 8; so 15 steps
TINY = {
    "image_size": 8,
    "embed_dim": 8,
    "depths": (2, 1),
    "num_heads": (1, 2),
    "window_size": 2,
    "epochs": 3,
    "warmup_epochs": 1.0,
    "batch_size": 8,
    "checkpoint_every": 4,
    "workers": 0,
    "timeout": 60.0,
    "tensorboard": False,
}
STEPS = 15


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """Bit for bit is for one number of threads: here and in driver.py one, which suits pictures of 8 pixels."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """An ImageFolder tree: noise on a bright left, upper or lower half."""
    root = tmp_path_factory.mktemp("pictures")
    generator = torch.Generator().manual_seed(0)
    halves = {"left": (slice(None), slice(4)), "upper": (slice(4), slice(None)), "lower": (slice(4, 8), slice(None))}
    for split, count in (("train", 37), ("val", 11)):
        for i in range(count):
            name = list(halves)[i % 3]
            image = torch.randint(0, 100, (3, 8, 8), dtype=torch.uint8, generator=generator)
            image[:, *halves[name]] += 100
            (root / split / name).mkdir(parents=True, exist_ok=True)
            write_png(image, str(root / split / name / f"{i:02d}.png"))
    return root


@pytest.fixture
def tiny(pictures, tmp_path):
    """``tiny(**changes)``: a configuration of the tiny training, in a folder of its own."""

    def make(output="run", **changes):
        return Config(**{"data": str(pictures), "output": tmp_path / output, **TINY, **changes})

    return make


@pytest.fixture(scope="package")
def unbroken(_one_thread, pictures, tmp_path_factory):
    """The folder of a tiny training that nothing happened to; drop path and Mixup draw in each step."""
    folder = tmp_path_factory.mktemp("unbroken")
    train(Config(**{"data": str(pictures), "output": folder, **TINY, "drop_path_rate": 0.2, "mixup": 0.4}))
    return folder


def as_arguments(config):
    """The command line that gives this configuration."""
    arguments = []
    for name, value in config.as_dict().items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{option}" if value else f"--no-{option}")
        elif value is not None:
            arguments += [f"--{option}", *map(str, value if isinstance(value, tuple) else (value,))]
    return arguments


@pytest.fixture
def command():
    """``command(config)``: its command line."""
    return as_arguments


@pytest.fixture(scope="session")
def _forkserver():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["swinlib.training.__main__"])  # torch is imported once, not for each process
    return context


class Started:
    """A process that trains."""

    def __init__(self, process, log):
        self.process, self.log = process, log
        process.start()
        self.pid = process.pid

    def wait(self, timeout=60):
        """The exit code (minus the signal's number if one killed it) and all that was printed."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"it hangs; so far: {self.log.read_text()}"
        return self.process.exitcode, self.log.read_text()


@pytest.fixture
def start(_forkserver, tmp_path):
    """``start(config, **spec)``: a process of its own that runs driver.py; it is killed when the test ends."""
    started = []

    def launch(config, **spec):
        log = tmp_path / f"{len(started)}.log"
        log.touch()
        values = {"spec": {"log": str(log), **spec}, "arguments": as_arguments(config)}
        process = _forkserver.Process(target=runpy.run_path, args=(str(DRIVER), values), daemon=False)
        started.append(Started(process, log))
        return started[-1]

    yield launch
    for one in started:
        if one.process.is_alive():
            one.process.kill()
        one.process.join(10)


@pytest.fixture
def free_port():
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def pair(start, free_port):
    """``pair(config, other=config, **spec)``: two ranks, with the environment that torchrun would give them."""

    def launch(config, other=None, **spec):
        addresses = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port), "WORLD_SIZE": "2"}
        ranks = [{**addresses, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)]
        return [
            start(each, environment=rank, **spec) for each, rank in zip((config, other or config), ranks, strict=True)
        ]

    return launch
