"""The pictures of the book, drawn from tensors: the same functions for its pages and for tensors of your own.

Needs the extra ``figures``: ``pip install "swinlib[figures]"``.
"""

try:
    import matplotlib  # noqa: F401
except ImportError as error:
    raise ImportError('the pictures need matplotlib: pip install "swinlib[figures]"') from error

from swinlib.figures.answers import show_answer
from swinlib.figures.broadcasting import broadcast_figure, show_broadcast
from swinlib.figures.buffers import buffer_figure
from swinlib.figures.containers import container_figure
from swinlib.figures.draw import draw_figure
from swinlib.figures.drawing import show_model
from swinlib.figures.gallery import show_images
from swinlib.figures.images import photograph
from swinlib.figures.initialisation import depth_figure
from swinlib.figures.inside import inside_figure
from swinlib.figures.interactive import Control, Interactive
from swinlib.figures.journey import journey
from swinlib.figures.layout import Layout, window_layout
from swinlib.figures.marks import marks_figure
from swinlib.figures.memory import memory_figure
from swinlib.figures.photo import photo_figure
from swinlib.figures.pictures import (
    show_feature_maps,
    show_image,
    show_mask,
    show_neighbours,
    show_numbers,
    show_reach,
    show_regions,
    show_windows,
)
from swinlib.figures.pipeline import pipeline_figure
from swinlib.figures.products import show_products
from swinlib.figures.quiz import quiz
from swinlib.figures.reach import attention_reach
from swinlib.figures.resampling import resampling_figure
from swinlib.figures.rolling import roll_figure
from swinlib.figures.roofline import fast_steps, show_roofline
from swinlib.figures.shards import shard_figure, show_shards
from swinlib.figures.shifting import show_corners, show_growth, show_padding, show_pairs, show_shift
from swinlib.figures.source import show_script, show_source
from swinlib.figures.starts import show_three_starts, three_starts
from swinlib.figures.style import COLOURS, Picture, canvas, style
from swinlib.figures.walk import walk_figure
from swinlib.figures.window_order import show_window_order, window_order

__all__ = [
    "COLOURS",
    "Control",
    "Interactive",
    "Layout",
    "Picture",
    "attention_reach",
    "broadcast_figure",
    "buffer_figure",
    "canvas",
    "container_figure",
    "depth_figure",
    "draw_figure",
    "fast_steps",
    "inside_figure",
    "journey",
    "marks_figure",
    "memory_figure",
    "photo_figure",
    "photograph",
    "pipeline_figure",
    "quiz",
    "resampling_figure",
    "roll_figure",
    "shard_figure",
    "show_answer",
    "show_broadcast",
    "show_corners",
    "show_feature_maps",
    "show_growth",
    "show_image",
    "show_images",
    "show_mask",
    "show_model",
    "show_neighbours",
    "show_numbers",
    "show_padding",
    "show_pairs",
    "show_products",
    "show_reach",
    "show_regions",
    "show_roofline",
    "show_script",
    "show_shards",
    "show_shift",
    "show_source",
    "show_three_starts",
    "show_window_order",
    "show_windows",
    "style",
    "three_starts",
    "walk_figure",
    "window_layout",
    "window_order",
]
