"""Train a Swin on folders of images. Needs ``pip install "swinlib[training]"``.

One process, on handwritten digits or on any folder that holds ``train/<class>/*`` and ``val/<class>/*``::

    python -m swinlib.training
    python -m swinlib.training --data pictures --image-size 64 --output runs/pictures
    python -m swinlib.training --help

Several processes on one machine, one for each GPU; batch_size counts the images of all of them together::

    torchrun --standalone --nproc-per-node 2 --max-restarts 3 -m swinlib.training --batch-size 64

Several machines: the same command on each, with one address of the first, and ``--output`` on a disk that all share::

    torchrun --nnodes 2 --nproc-per-node 8 --max-restarts 3 --rdzv-backend c10d --rdzv-endpoint first.example:29400 \\
        --rdzv-id swin -m swinlib.training --output /shared/runs/swin

Swin-T on ImageNet as in the paper (arXiv 2103.14030, appendix A2.1), but for what its random erasing fills in::

    ... -m swinlib.training --data imagenet --output runs/swin_t --model swin_t --image-size 224 --augment swin \\
        --mixup 0.8 --cutmix 1.0 --drop-path-rate 0.2 --epochs 300 --warmup-epochs 20 --batch-size 1024 --lr 1e-3 \\
        --weight-decay 0.05 --ema-decay 0.9999 --precision bfloat16 --workers 8 --checkpoint-every 500

Images of your own need not be square, nor of one size: the shorter side is resized and the centre is cut out, in
training as in evaluation, so that nothing is squashed. ``--augment swin`` crops anywhere in the image while training.

**Nothing is lost.** The same command resumes a run that was ended in any way, from its last complete checkpoint, even
in the middle of an epoch. SIGTERM and Ctrl-C let the step finish and write a checkpoint; the exit code is then 75.
A full disk leaves the last checkpoint intact; the exit code is then 1, as for every error but those of the command
line, which give 2. A run that diverges, even in its last step, ends with such an error and exports nothing. The weights
of the epoch that scored best on the held-out images are in ``best.safetensors``, those of the end of the run in
``model.safetensors``.

When a process dies, torchrun ends the others and, with ``--max-restarts``, starts them all again; a process that waits
for one that hangs gives up after ``--timeout``.

On the CPU, with as many threads and processes as before, the weights are then those of a run that was never ended, bit
for bit. Another number of processes changes them by rounding alone, as long as nothing is drawn at random but the
order and augmentation of the images: drop path and dropout are drawn, and Mixup mixes, on each process by itself.

From weights that are there, in any layout, for classes of your own, with the first two stages as they are and smaller
steps for lower layers; the head is then a new one, and the first lines say so::

    python -m swinlib.training --data pictures --output runs/fine --model swin_t --image-size 224 \\
        --weights swin_tiny_patch4_window7_224.pth --freeze-stages 2 --layer-decay 0.8 --lr 2e-4 --epochs 10

A run that has finished goes on for more epochs if it is asked to by name, ``--epochs 20 --extend``. ``load`` gives
model, classes and transform of a finished one.

In the order of imports: ``config``, ``optim``, ``state``, ``metrics``, ``distributed``, ``loaders``, ``loop``,
``finished``.
"""

from .config import Config
from .finished import Trained, load
from .loop import Result, train

__all__ = ["Config", "Result", "Trained", "load", "train"]
