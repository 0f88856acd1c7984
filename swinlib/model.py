"""The Swin Transformer, v1 and v2."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .arguments import Size, SizeByStage, by_stage, check_architecture, check_num_classes
from .attention import position_parameters
from .blocks import SwinStage, SwinTransformerBlock, SwinTransformerBlockV2
from .init import init_weights
from .resampling import PatchEmbed, PatchMerging, PatchMergingV2


class SwinTransformer(nn.Module):
    """Images to class logits through stages of shifted-window attention; for images of any size.

    Args:
        embed_dim: C of the first stage; doubled by each further one.
        depths: blocks of each stage.
        num_heads: heads of each stage.
        window_size: M, or a tuple ``(Mh, Mw)``, in tokens; or a list with one of either for each stage, such as
            ``[16, 16, 16, 8]`` for images of 256 pixels, whose last map has 8 tokens on a side.
        shift_size: of every second block, in the same forms; half a window if not given, 0 for a Swin without shift.
        pretrained_window_size: window that the weights of version 2 were trained with, in the same forms, if it
            differs from ``window_size``.
        patch_size: in pixels.
        in_channels: of the images.
        num_classes: 0 for a model without head, which returns the pooled features.
        mlp_ratio: hidden width of the MLPs, in units of their input.
        qkv_bias: whether queries, keys and values have a bias.
        dropout: on tokens, after the patch embedding and in every block.
        attention_dropout: on attention weights.
        drop_path_rate: of the last block; it grows linearly from 0 at the first.
        version: 1, or 2 for cosine attention, log-spaced continuous position bias and res-post-norm.
        stage_norms: give each stage a norm of its own for what ``forward_intermediates`` returns, as detectors and
            segmenters expect. The last stage's is ``norm``, the classifier's.
        gradient_checkpointing: in training, trade computation for memory, block by block.

    Attributes:
        window_size: one pair ``(Mh, Mw)`` for each stage, in a list, as the argument takes it.
        pretrained_window_size: the same of the windows of training; None in version 1.
        dims: channels of each stage.

    Raises:
        ValueError: if these do not fit together; the message says which and what would.

    Sources: arXiv 2103.14030 (version 1), arXiv 2111.09883 (version 2).
    """

    def __init__(
        self,
        embed_dim: int = 96,
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        window_size: SizeByStage = 7,
        shift_size: SizeByStage | None = None,
        *,
        pretrained_window_size: SizeByStage | None = None,
        patch_size: Size = 4,
        in_channels: int = 3,
        num_classes: int = 1000,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        drop_path_rate: float = 0.0,
        version: int = 1,
        stage_norms: bool = False,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_architecture(
            embed_dim=embed_dim,
            depths=depths,
            num_heads=num_heads,
            in_channels=in_channels,
            num_classes=num_classes,
            mlp_ratio=mlp_ratio,
            drop_path_rate=drop_path_rate,
            version=version,
        )
        if version == 1 and pretrained_window_size is not None:
            raise ValueError(
                f"pretrained_window_size={pretrained_window_size!r} is for version 2, whose coordinates it scales. "
                f"Leave it out: the bias tables of version 1 are resized when weights are loaded."
            )
        depths, stages = tuple(map(int, depths)), len(depths)
        self.version, self.num_classes = int(version), int(num_classes)
        self.dims = tuple(int(embed_dim) * 2**i for i in range(stages))
        self.window_size = by_stage(window_size, "window_size", stages)
        self.pretrained_window_size = None
        shifts = [None] * stages if shift_size is None else by_stage(shift_size, "shift_size", stages, minimum=0)
        options: list[dict[str, Size]] = [{}] * stages  # what the stages do not share
        block: type[SwinTransformerBlock] = SwinTransformerBlock
        merging: type[nn.Module] = PatchMerging
        if version == 2:
            trained = self.window_size if pretrained_window_size is None else pretrained_window_size
            self.pretrained_window_size = by_stage(trained, "pretrained_window_size", stages)
            options = [{"pretrained_window_size": size} for size in self.pretrained_window_size]
            block, merging = SwinTransformerBlockV2, PatchMergingV2

        self.patch_embed = PatchEmbed(patch_size, in_channels, self.dims[0])
        self.dropout = nn.Dropout(dropout)
        rates = torch.linspace(0, drop_path_rate, sum(depths), device="cpu").split(depths)
        self.layers = nn.ModuleList(
            SwinStage(
                dim,
                depths[i],
                num_heads[i],
                self.window_size[i],
                shifts[i],
                drop_path=rates[i].tolist(),
                downsample=merging(dim) if i < stages - 1 else None,
                block=block,
                gradient_checkpointing=gradient_checkpointing,
                mlp_ratio=mlp_ratio,
                qkv_bias=qkv_bias,
                dropout=dropout,
                attention_dropout=attention_dropout,
                **options[i],
            )
            for i, dim in enumerate(self.dims)
        )
        self.stage_norms = nn.ModuleList(nn.LayerNorm(dim) for dim in self.dims[:-1]) if stage_norms else None
        self.norm = nn.LayerNorm(self.dims[-1])
        self.head = _head(self.dims[-1], self.num_classes)
        self.apply(init_weights)

    def forward_features(self, x: Tensor) -> Tensor:
        """Images ``(B, in_channels, H, W)`` to the last stage's map, normed, ``(B, H', W', C)``."""
        return self.norm(self._maps(x)[-1])

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """What ``forward_features`` gives to logits ``(B, num_classes)``, or to what the head is given, ``(B, C)``."""
        x = x.mean(dim=(1, 2))
        return x if pre_logits else self.head(x)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(B, in_channels, H, W)`` to logits ``(B, num_classes)``."""
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,
        stop_early: bool = False,
        output_fmt: str = "NCHW",
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """The map that each stage leaves, before merging: what detection and segmentation build on.

        With the usual patches of 4, the four maps are 1/4, 1/8, 1/16 and 1/32 of the image. They are as the blocks
        leave them, or normed in a model with ``stage_norms``.

        Args:
            x: images ``(B, in_channels, H, W)``.
            indices: of the stages, from 0 or, below 0, from the end; or how many of the last ones. All if not given.
            norm: norm the last stage's map, as the classifier does.
            stop_early: compute no stage after the last that is asked for.
            output_fmt: ``"NCHW"`` for maps ``(B, C_i, H_i, W_i)``, ``"NHWC"`` for ``(B, H_i, W_i, C_i)``.
            intermediates_only: return the maps alone.

        Returns:
            The map that the last computed stage leaves, ``(B, H', W', C)``, which is normed if it is the model's last;
            and the list of maps, in the order of the stages.

        Raises:
            ValueError: if there is no such stage or format.

        Source: signature and results are those of timm's models.
        """
        if output_fmt not in ("NCHW", "NHWC"):
            raise ValueError(f"output_fmt must be 'NCHW' or 'NHWC', got {output_fmt!r}.")
        chosen = _stages(indices, len(self.layers))
        maps = self._maps(x, max(chosen) + 1 if stop_early else len(self.layers))
        last, is_whole = maps[-1], len(maps) == len(self.layers)
        if is_whole:
            last = self.norm(last)
        if self.stage_norms is not None:  # one for each stage but the last
            maps = [*(norm(m) for norm, m in zip(self.stage_norms, maps, strict=False)), *([last] if is_whole else [])]
        elif norm and is_whole:
            maps[-1] = last
        taken = [maps[i] if output_fmt == "NHWC" else maps[i].permute(0, 3, 1, 2) for i in chosen]
        return taken if intermediates_only else (last, taken)

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Put a new head in the place of the old one, on its device and in its dtype.

        Args:
            num_classes: 0 for none: the model then returns the pooled features.
            global_pool: as in timm; here always the mean, ``"avg"``.

        Raises:
            ValueError: if these are none of those.
        """
        if global_pool not in (None, "avg"):
            raise ValueError(
                f"global_pool={global_pool!r}: a SwinTransformer pools by the mean, 'avg'. forward_features gives the "
                f"map, for another."
            )
        self.num_classes = check_num_classes(num_classes)
        self.head = _head(self.dims[-1], self.num_classes).apply(init_weights).to(self.norm.weight)
        self.head.train(self.training)

    def no_weight_decay(self) -> set[str]:
        """Names of the parameters whose size should not shrink: what makes the position bias and scales the cosine.

        As in timm, norms and biases are not among them, which every trainer leaves out by their one dimension.
        """
        return position_parameters(self)

    def _maps(self, x: Tensor, stages: int | None = None) -> list[Tensor]:
        """The map ``(B, H_i, W_i, C_i)`` that the blocks of each of the first stages leave; of all if not given."""
        x = self.dropout(self.patch_embed(x))
        maps = []
        for stage in self.layers[:stages]:
            x = stage(x)
            maps.append(x)
            x = stage.downsample(x)
        return maps


def _head(dim: int, num_classes: int) -> nn.Module:
    return nn.Linear(dim, num_classes) if num_classes else nn.Identity()


def _stages(indices: int | Sequence[int] | None, stages: int) -> list[int]:
    """The stages that are meant, counted from 0, in order."""
    if isinstance(indices, Sequence):
        chosen = sorted({i + stages if i < 0 else i for i in indices})
    else:
        chosen = list(range(0 if indices is None else stages - indices, stages))
    if not chosen or not all(0 <= i < stages for i in chosen):
        raise ValueError(
            f"indices={indices!r} are not stages of this model: give some of {-stages} to {stages - 1}, or how many of "
            f"the last ones, 1 to {stages}."
        )
    return chosen
