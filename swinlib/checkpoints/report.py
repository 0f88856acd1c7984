"""What ``load_checkpoint`` found and did, in sentences."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..arguments import in_short
from .layouts import by_kind
from .windows import Window


@dataclass(frozen=True)
class CheckpointReport:
    """What ``load_checkpoint`` found and did; ``str`` tells it in sentences.

    Attributes:
        layout: ``"swinlib"``, ``"microsoft"``, ``"torchvision"``, ``"timm"``, ``"huggingface"``, ``"openmmlab"`` or
            ``"timm_features"``.
        version: 1 or 2.
        entry: of the checkpoint, from which the network was taken: the keys that lead to it and the prefix of its
            names; "" if it is all of the checkpoint.
        others: the entries of the other networks that the checkpoint holds.
        loaded: keys of the model that were loaded.
        kept: keys of the model that the checkpoint has not, or has for another purpose; they are as they were.
        resized: v1's attentions that were trained with another window: key, that window, the model's window.
        trained_windows: the window that each stage was trained with; None where the checkpoint does not show it.
        file_windows: the window of each stage in the checkpoint's own model, as far as it is shown.
        windows: the windows of the model.
        given_windows: those that ``pretrained_window_size`` said, where the checkpoint shows others.
        head: ``"loaded"``, ``"kept"`` (the model's own, as it was) or ``"none"`` (the model has no head).
        classes: of the checkpoint and of the model; 0 for no head.
        adapted_channels: input channels of the checkpoint and of the model, where its patch embedding was adapted.
        ignored: tensors of the checkpoint without use here: a head that does not fit, norms of stages for a model that
            has none, what sizes determine, and what lies beside the network.
    """

    layout: str
    version: int
    entry: str
    others: tuple[str, ...]
    loaded: tuple[str, ...]
    kept: tuple[str, ...]
    resized: tuple[tuple[str, Window, Window], ...]
    trained_windows: tuple[Window | None, ...]
    file_windows: tuple[Window | None, ...]
    windows: tuple[Window, ...]
    given_windows: tuple[Window, ...] | None
    head: str
    classes: tuple[int, int]
    adapted_channels: tuple[int, int] | None
    ignored: tuple[str, ...]

    @property
    def window_known(self) -> bool:
        """Whether the windows of training are known, from the checkpoint or by ``pretrained_window_size``."""
        return None not in self.trained_windows

    def __str__(self) -> str:
        return "\n".join(
            filter(None, [self._source(), *self._windows(), self._channels(), self._kept(), self._ignored()])
        )

    def _source(self) -> str:
        place = f", entry {self.entry!r}" if self.entry else ""
        told = f"Swin v{self.version} in the layout of {self.layout}{place}: {len(self.loaded)} tensors loaded."
        if self.others:
            told += f"\nThe file also holds {', '.join(map(repr, self.others))}: give entry= to take another."
        return told

    def _windows(self) -> list[str]:
        told = [
            f"Position bias of {blocks} blocks: tables resized, bicubic, from windows of {by(theirs)} to {by(ours)}."
            for (theirs, ours), blocks in Counter((theirs, ours) for _, theirs, ours in self.resized).items()
        ]
        if self.given_windows:
            told.append(
                f"The checkpoint shows windows of {in_list(self.file_windows)}; pretrained_window_size says "
                f"{in_list(self.given_windows)}, which is what counted."
            )
        differing = [i for i, shown in enumerate(self.file_windows) if shown not in (None, self.windows[i])]
        if differing:
            as_theirs = [shown or ours for shown, ours in zip(self.file_windows, self.windows, strict=True)]
            scaled = " The coordinates keep the scale of training." if self.version == 2 else ""
            told.append(
                f"The model's windows are not the checkpoint's.{scaled} To compute what its own model does, build "
                f"this one with window_size={in_list(as_theirs)}."
            )
        if not self.window_known:
            told.append(
                f"The checkpoint does not show the windows of training: they are taken to be the model's, "
                f"{in_list(self.windows)}. Peers give a stage a smaller window where its map is smaller. If the "
                f"checkpoint's model has other windows, build this one with window_size=[...], one for each stage; if "
                f"it only began with others, with pretrained_window_size=[...]. swinlib.create_model knows those of "
                f"every published name."
            )
        return told

    def _channels(self) -> str:
        if self.adapted_channels is None:
            return ""
        theirs, ours = self.adapted_channels
        how = "summed up to one" if ours == 1 else f"repeated, times {theirs}/{ours}"
        return f"The patch embedding's weights for {theirs} channels were {how}, for images of {ours}."

    def about_head(self) -> str:
        """What became of the head, if the model kept its own; else ``""``."""
        if self.head != "kept":
            return ""
        theirs = f"{self.classes[0]} classes" if self.classes[0] else "no head"
        return f"The head was kept as it was: the checkpoint has {theirs}, the model {self.classes[1]}."

    def _kept(self) -> str:
        told = [self.about_head()] if self.about_head() else []
        others = [key for key in self.kept if not key.startswith("head.")]
        if others:
            told.append(f"Kept as they were, for want of them in the checkpoint: {', '.join(others)}.")
        return "\n".join(told)

    def _ignored(self) -> str:
        if not self.ignored:
            return ""
        by_stage = any(re.search(r"(^|\.)(stage_norms|hidden_states_norms|norm\d+)\.", name) for name in self.ignored)
        hint = " Norms of stages are for a model that is built with stage_norms=True." if by_stage else ""
        return f"Ignored: {', '.join(by_kind(self.ignored))}.{hint}"


def by(window: Window) -> str:
    """A window in words: ``7x7``."""
    return f"{window[0]}x{window[1]}"


def in_list(windows: Sequence[Window | None]) -> str:
    """Windows by stage as ``window_size`` takes them, in short: ``[16, 16, 16, 8]``, or ``7`` if all agree."""
    short = [window and in_short(window) for window in windows]
    return repr(short[0]) if len(set(short)) == 1 else repr(short)
