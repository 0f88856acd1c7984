"""``python -m swinlib.training``: see the package's docstring."""

import sys
from collections.abc import Sequence

import tyro

from .config import Config
from .loop import train

EXIT_ERROR, EXIT_STOPPED = 1, 75  # 75 is EX_TEMPFAIL of sysexits.h: try again


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says, and return the exit code."""
    try:
        config = tyro.cli(Config, prog="python -m swinlib.training", args=arguments)
        result = train(config)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_ERROR
    if not result.finished:
        print(f"stopped after step {result.step}; the same command goes on from there.", file=sys.stderr)
        return EXIT_STOPPED
    print(f"{result.step} steps; held-out images: accuracy {result.val_accuracy:.4f}, loss {result.val_loss:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
