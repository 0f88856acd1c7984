"""A variant for each student, drawn from a seed: other names, another order, a number that is fixed.

What is drawn depends on the seed, the assignment, the exercise and the student, and on nobody else in the class, so a
student who joins later changes nothing for the others. `swinlib.check.variants` says how a
variant is written down.

A function gets its name and a word behind it. Where the check calls it plainly, its parameters get other names and
another order too. One parameter may be fixed where that leaves an exercise: to a number that the exercise's own inputs
draw and that arrives in a call as it is, with which the known mistakes are still wrong, and for which no other of the
numbers is right. What cannot be varied (a class, say) stays as it is.
"""

import hashlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from swinlib.check.exercise import Case, Exercise, Outcome
from swinlib.check.variants import Variant, make_variant

WORDS = tuple(
    """
    alder amber apple aspen badger basil beech birch bison brook canyon cedar cherry clover cobalt comet copper
    coral crane cypress daisy delta ember falcon fennel fern finch fjord garnet ginger glacier harbor hazel heron
    hickory indigo iris ivory jasmine juniper lagoon larch laurel lemon lilac linden lotus magnet maple marble
    meadow mercury mint nectar nettle oasis olive onyx opal orchid osprey otter pebble pepper pine plum poplar
    prairie quartz quince raven ridge river robin saffron sage sequoia sienna silver sparrow spruce summit swallow
    tango thistle timber topaz tulip umber valley velvet walnut willow zephyr
    """.split()  # noqa: SIM905 - a list literal would take a line for each word
)
"""What is put behind the name of a function."""

PARAMETERS: Mapping[str, Sequence[str]] = {
    "x": ("given", "entries", "values"),
    "size": ("extent", "length_in", "count_in"),
    "kernel": ("filter_size", "kernel_width", "taps"),
    "stride": ("step", "hop", "stride_size"),
    "padding": ("border", "margin", "pad"),
    "dilation": ("spacing", "spread", "dilated_by"),
    "weight": ("filters", "kernel_weight", "coefficients"),
    "align_corners": ("corners_aligned", "at_corners", "corners"),
    "skip": ("from_encoder", "shortcut", "skipped"),
    "expand": ("expansion", "widen", "expanding"),
    "join": ("merge", "combine", "joining"),
    "output_padding": ("extra_border", "output_margin", "extra_pad"),
    "module": ("part", "network", "unit"),
    "tensor": ("rows_in", "packed", "given"),
    "num_heads": ("head_count", "number_of_heads", "many_heads"),
    "q": ("query", "queries", "asking"),
    "k": ("key", "keys", "asked"),
    "v": ("value", "values", "contents"),
    "mask": ("allowed", "permitted", "may_see"),
    "images": ("pictures", "image_batch", "photos"),
    "layer": ("attention", "attending_layer", "module"),
    "layers": ("parts", "modules_in", "stack"),
    "state_dict": ("weights_by_name", "tensors", "saved"),
    "prefix": ("beginning", "front", "start_of_key"),
    "u": ("uniform", "quantiles", "shares"),
    "std": ("sigma", "deviation", "spread"),
    "low": ("least", "lower", "minimum"),
    "high": ("most", "upper", "maximum"),
    "windows": ("tiles", "cut_windows", "squares"),
    "height": ("tall", "map_height", "row_count"),
    "width": ("across", "map_width", "column_count"),
    "shift": ("steps", "offset", "amount"),
    "shift_rows": ("down", "row_shift", "rows_rolled"),
    "shift_columns": ("right_by", "column_shift", "columns_rolled"),
    "labels": ("regions", "tags", "label_map"),
    "dtype": ("kind", "number_type", "as_type"),
    "shift_size": ("roll_by", "steps", "displacement"),
    "window_size": ("window_extent", "tile_size", "window_shape"),
    "resize": ("resized_to", "new_side", "short_side"),
    "crop": ("cropped_to", "crop_side", "cut_to"),
    "image": ("picture", "photo", "photograph"),
    "length": ("samples_in_all", "dataset_size", "how_many"),
    "ranks": ("processes", "world_size", "workers_in_all"),
    "batch_size": ("per_batch", "samples_per_batch", "batch_length"),
    "sampler_drops": ("sampler_cuts", "drop_in_sampler", "sampler_shortens"),
    "loader_drops": ("loader_cuts", "drop_in_loader", "loader_shortens"),
    "samples": ("pairs", "examples", "items_of_batch"),
    "multiple": ("divisible_by", "multiple_of", "grain"),
    "patch_size": ("patch_extent", "patch_side", "side_of_patch"),
    "stages": ("levels", "stage_count", "number_of_stages"),
    "channels": ("features", "channel_count", "width_of_token"),
    "table": ("biases", "bias_table", "position_table"),
    "old": ("window_before", "old_window", "from_window"),
    "new": ("window_after", "new_window", "to_window"),
    "rows": ("rows_of_patches", "row_count", "vertical"),
    "columns": ("columns_of_patches", "column_count", "horizontal"),
    "depths": ("blocks", "blocks_per_stage", "depth_of_stages"),
    "token": ("patch", "position", "chosen"),
    "times": ("milliseconds", "durations", "time_of_each"),
    "gains": ("speedups", "factors", "gain_of_each"),
    "tokens": ("vectors", "in_order", "token_matrix"),
    "order": ("permutation", "token_numbers", "arrangement"),
    "here": ("current", "order_now", "at_present"),
    "there": ("wanted", "order_next", "target"),
    "bias": ("position_bias", "added_to_logits", "bias_of_heads"),
    "masks": ("allowed_by_kind", "kind_masks", "permitted"),
    "sizes": ("counts", "windows_of_kinds", "numbers_of_windows"),
}
"""Other names of parameters. One that stands in the code or the text of an exercise already is not taken there."""

STILL_WRONG = 0.75  # share of the known mistakes that a fixed number must leave wrong
MOST_NUMBERS = 8  # that are tried for a parameter


def draw_variant(
    exercise: Exercise, *, seed: str, assignment: str, student: str, taken: Iterable[str] = (), named: bool = True
) -> Variant:
    """The variant of an exercise that a student gets.

    Args:
        exercise: of the book.
        seed: of the class; whoever knows it knows every variant.
        assignment: its name.
        student: the student's name.
        taken: names that stand in the exercise already.
        named: whether the function can have another name; a class cannot.

    Returns:
        The variant; one that is called like its exercise, and changes nothing, where nothing can be varied.
    """
    if not named:
        return Variant(exercise.name)
    told = json.dumps([seed, assignment, student, exercise.name])
    drawn = random.Random(int.from_bytes(hashlib.sha256(told.encode()).digest()))
    name = f"{exercise.name}_{drawn.choice(WORDS)}"
    if not exercise.calls_plainly:
        return Variant(name)
    old = parameters(exercise)
    numbers = fixable(exercise)
    fixed = {}
    if numbers:
        parameter = drawn.choice(sorted(numbers))
        fixed = {parameter: drawn.choice(numbers[parameter])}
    used = {*taken, *old}
    renamed = {}
    for parameter in old:
        others = [other for other in PARAMETERS.get(parameter, ()) if other not in used]
        if parameter not in fixed and others:
            renamed[parameter] = drawn.choice(others)
            used.add(renamed[parameter])
    order = drawn.sample(old, len(old)) if len(old) > 1 else []
    return Variant(name, parameters=renamed, order=order, fixed=fixed)


def parameters(exercise: Exercise) -> list[str]:
    """The names of a call's arguments, in their order."""
    return list(exercise.arguments(**_first(exercise)))


def _first(exercise: Exercise) -> Case:
    return dict(exercise.always[0]) if exercise.always else exercise.samples[0]


@cache
def fixable(exercise: Exercise) -> Mapping[str, Sequence[float]]:
    """The parameters that may be fixed, with the numbers to choose from: two or more."""
    if not exercise.calls_plainly:
        return {}
    found = {}
    for parameter in parameters(exercise):
        drawn = dict.fromkeys(case[parameter] for case in exercise.samples if _is_number(case.get(parameter)))
        kept: list[float] = []
        for number in sorted(drawn):
            if (
                len(kept) < MOST_NUMBERS
                and _leaves_an_exercise(exercise, parameter, number)
                and all(_tells_apart(exercise, parameter, number, other) for other in kept)
            ):
                kept.append(number)
        if len(kept) > 1:
            found[parameter] = tuple(kept)
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _leaves_an_exercise(exercise: Exercise, parameter: str, number: float) -> bool:
    """Whether a number arrives as it is, and enough of the known mistakes are wrong with it."""
    try:
        variant = make_variant(exercise, Variant(exercise.name, fixed={parameter: number}))
    except ValueError:
        return False
    wrong = sum(
        any(
            variant.problem(variant.attempt(mistake.function, case, anything_goes=True), case)
            for case in variant.samples
        )
        for mistake in variant.mistakes
    )
    return wrong >= STILL_WRONG * len(variant.mistakes)


def _tells_apart(exercise: Exercise, parameter: str, one: float, other: float) -> bool:
    """Whether a right answer with either number is wrong with the other."""
    return all(
        any(_is_wrong(exercise, {**case, parameter: asked}, parameter, given) for case in exercise.samples)
        for asked, given in ((one, other), (other, one))
    )


def _is_wrong(exercise: Exercise, case: Case, parameter: str, given: float) -> bool:
    arguments = {**exercise.arguments(**case), parameter: given}
    try:
        outcome = Outcome(exercise.reference(*arguments.values()))
    except Exception as error:
        outcome = Outcome(error=type(error).__name__)
    return exercise.problem(outcome, case) is not None


def variants_text(chapter: str, variants: Mapping[str, Variant]) -> str:
    """Variants as a file of them, which `swinlib.check.variants.read_variants` reads.

    Args:
        chapter: of which they are.
        variants: by exercise.
    """
    lines = [f"chapter = {json.dumps(chapter)}"]
    for exercise, how in variants.items():
        lines += ["", f"[{exercise}]", f"name = {json.dumps(how.name)}"]
        if how.parameters:
            lines.append(f"parameters = {_table(how.parameters)}")
        if how.order:
            lines.append(f"order = {json.dumps(list(how.order))}")
        if how.fixed:
            lines.append(f"fixed = {_table(how.fixed)}")
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, object]) -> str:
    # JSON's texts and numbers are TOML's
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items()) + " }"
