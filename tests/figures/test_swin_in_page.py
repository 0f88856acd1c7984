"""The Swin of the pages, swin.js, against swinlib: every number on the way, in Chromium, with the same float16 weights.

This is what allows one kind of figure to compute in the page, where all others draw what Python has computed.
"""

import base64
import copy
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import swinlib
from swinlib import data, pretrained
from swinlib.figures.in_page import DIGITS, SCRIPTS, ModelInPage, as_in_page, model_content

FOLDER = Path(swinlib.__file__).parent / "figures"
SWIN = (FOLDER / "swin.js").read_text(encoding="utf-8")
TOLERANCE = 1e-4  # of the largest magnitude of a tensor

# arguments of SwinTransformer, and height and width of the image
CONFIGURATIONS = {
    "as the digits": ({"embed_dim": 48, "num_heads": (3, 6), "window_size": 4, "patch_size": 2}, (16, 16)),
    "odd sizes, windows by stage": (
        {"depths": (3, 1), "num_heads": (2, 4), "window_size": [4, 2], "patch_size": 2},
        (13, 10),
    ),
    "oblong windows and patches": ({"window_size": (2, 3), "patch_size": (3, 2), "in_channels": 1}, (15, 22)),
    "windows larger than the map": ({"window_size": 7, "patch_size": 4}, (12, 20)),
    "covered on one side": ({"window_size": 4, "patch_size": 1, "depths": (2,), "num_heads": (2,)}, (3, 9)),
    "no bias of queries, keys, values": (
        {"qkv_bias": False, "mlp_ratio": 2.5, "depths": (1, 2, 3), "num_heads": (1, 2, 8), "window_size": 3},
        (50, 39),
    ),
    "shifts of its own": ({"window_size": [3, (2, 4)], "shift_size": [1, (0, 3)], "patch_size": 2}, (18, 26)),
    "no shift, no head": ({"window_size": 2, "shift_size": 0, "num_classes": 0, "patch_size": 2}, (12, 8)),
    "heads of 3 channels": (
        {"embed_dim": 15, "num_heads": (5, 10), "window_size": 3, "in_channels": 5, "num_classes": 3, "patch_size": 1},
        (7, 8),
    ),
    "heads of 1 channel": (
        {"embed_dim": 3, "num_heads": (3, 1), "window_size": (3, 5), "patch_size": 2, "num_classes": 1},
        (19, 17),
    ),
    "one pixel": ({"window_size": 4, "patch_size": 1}, (1, 1)),
    "windows of 7, as published": ({"embed_dim": 32, "num_heads": (1, 2), "window_size": 7}, (56, 84)),
}
SWITCHES = {
    "everything": {},
    "no shift": {"shift": False},
    "no mask": {"mask": False},
    "no bias": {"position_bias": False},
    "a head silenced": {"silenced": {"block": 2, "head": 1}},
    "last head of the last block silenced": {"silenced": {"block": -1, "head": -1}},
    "a block left out": {"left_out": 2},
    "all at once": {"mask": False, "position_bias": False, "silenced": {"block": 1, "head": 1}, "left_out": 2},
}


def build(arguments, seed=0, std=0.3):
    """A model with random float16 weights, in float32 and eval mode."""
    standard = {"embed_dim": 16, "depths": (2, 2), "num_heads": (2, 4), "num_classes": 5}
    model = swinlib.SwinTransformer(**{**standard, **arguments}).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.normal_(std=std, generator=generator)
    return as_in_page(model)


def blocks_of(model):
    return [block for stage in model.layers for block in stage.blocks]


def resolve(model, switches):
    """The switches with the last block and head, -1, by their numbers."""
    chosen, blocks = dict(switches), blocks_of(model)
    if "silenced" in chosen:
        block = chosen["silenced"]["block"] % (len(blocks) + 1)
        head = chosen["silenced"]["head"] % (blocks[block - 1].attn.num_heads + 1)
        chosen["silenced"] = {"block": block, "head": head}
    return chosen


def on_the_way(model, image, switches):
    """Everything that torch computes on the way, by name, with parts of swinlib's model taken out as asked."""
    model, found = copy.deepcopy(model), {}
    keep = {"shift": True, "mask": True, "position_bias": True, "silenced": None, "left_out": None, **switches}

    def watch(attn, number):
        original = attn.attention_weights

        def attention_weights(q, k, mask=None):
            weights = original(q, k, mask if keep["mask"] else None)
            found[f"attention {number}"] = weights
            return weights

        attn.attention_weights = attention_weights

    def silence(channels):
        def zeros(_, inputs):
            heads = inputs[0].clone()
            heads[..., channels] = 0
            return (heads,)

        return zeros

    for number, block in enumerate(blocks_of(model), start=1):
        attn = block.attn
        watch(attn, number)
        if not keep["shift"]:
            block.shift_size = (0, 0)
        if not keep["position_bias"]:
            attn.relative_position_bias_table.zero_()
        if keep["silenced"] and keep["silenced"]["block"] == number:
            first = (keep["silenced"]["head"] - 1) * attn.head_dim
            attn.proj.register_forward_pre_hook(silence(slice(first, first + attn.head_dim)))
        if keep["left_out"] == number:
            block.forward = lambda x, mask=None: x
        block.register_forward_hook(lambda _, __, out, number=number: found.update({f"block {number}": out}))
    model.patch_embed.register_forward_hook(lambda _, __, out: found.update({"embedded": out}))
    for stage, layer in enumerate(model.layers, start=1):
        layer.register_forward_hook(lambda _, __, out, stage=stage: found.update({f"map {stage}": out}))
    model.head.register_forward_hook(lambda _, inputs, out: found.update({"features": inputs[0], "logits": out}))
    model(image[None])
    return found


# What swin.js gives, by the same names; numbers as base64, which is quicker than a list of them.
ALL_OF_IT = """([content, data, height, width, runs]) => {
    const packed = numbers => {
        const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
        let text = "";
        for (let k = 0; k < bytes.length; k += 8192) text += String.fromCharCode(...bytes.subarray(k, k + 8192));
        return btoa(text);
    };
    const model = readModel(content), image = { data: Float32Array.from(data), height, width };
    return runs.map(switches => {
        const found = forward(model, image, switches);
        const named = { embedded: found.embedded.data, features: found.features, logits: found.logits };
        found.blocks.forEach(({ tokens, attention }, k) => {
            named[`block ${k + 1}`] = tokens.data;
            if (attention) named[`attention ${k + 1}`] = attention.weights;
        });
        found.maps.forEach((map, k) => { named[`map ${k + 1}`] = map.data; });
        return Object.fromEntries(Object.entries(named).map(([name, numbers]) => [name, packed(numbers)]));
    });
}"""


def numbers(text):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), dtype="<f4").copy())


def difference(theirs, ours):
    """The greatest difference of two tensors, in units of the largest magnitude of the first."""
    assert theirs.numel() == ours.numel()
    largest = theirs.abs().max().item()
    return (theirs.flatten() - ours).abs().max().item() / largest if largest else ours.abs().max().item()


def greatest_differences(page, model, size, switches, seed=1):
    """For each set of switches, ``{name: difference}`` of every tensor between swinlib and the page."""
    channels = model.patch_embed.in_channels
    image = torch.randn(channels, *size, generator=torch.Generator().manual_seed(seed))
    runs = [resolve(model, each) for each in switches]
    answers = page.evaluate(ALL_OF_IT, [model_content(model), image.flatten().tolist(), *size, runs])
    differences = []
    for run, answer in zip(runs, answers, strict=True):
        theirs = on_the_way(model, image, run)
        assert set(theirs) == set(answer)
        differences.append({name: difference(theirs[name], numbers(answer[name])) for name in theirs})
    return differences


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """A page on the disk with both scripts; it may ask for nothing but files."""
    folder = tmp_path_factory.mktemp("book")
    (folder / DIGITS.file).parent.mkdir(parents=True)
    (folder / DIGITS.file).write_text(DIGITS.script(), encoding="utf-8")
    scripts = "".join(f"<script>{(FOLDER / name).read_text(encoding='utf-8')}</script>" for name in SCRIPTS)
    path = folder / "chapters" / "page.html"
    path.parent.mkdir()
    path.write_text(f'<!doctype html><html data-content_root="../"><title>x</title>{scripts}</html>', encoding="utf-8")
    page, problems = browser.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: request.url.startswith("file:") or problems.append(request.url))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert problems == []


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_number_on_the_way_is_swinlibs(page, name):
    arguments, size = CONFIGURATIONS[name]
    found = greatest_differences(page, build(arguments), size, SWITCHES.values())
    worst = {switch: max(differences.values()) for switch, differences in zip(SWITCHES, found, strict=True)}
    print(f"{name}: " + ", ".join(f"{switch} {value:.1e}" for switch, value in worst.items()))
    wrong = [
        (switch, tensor, value)
        for switch, differences in zip(SWITCHES, found, strict=True)
        for tensor, value in differences.items()
        if not value <= TOLERANCE
    ]
    assert wrong == []


def test_each_switch_changes_the_answer():
    """Otherwise the comparison above would not notice a switch that does nothing."""
    arguments, size = CONFIGURATIONS["odd sizes, windows by stage"]
    model, image = build(arguments), torch.randn(3, *size)
    usual = on_the_way(model, image, {})["logits"]
    for name, switches in SWITCHES.items():
        same = torch.equal(on_the_way(model, image, resolve(model, switches))["logits"], usual)
        assert same == (name == "everything"), name


def draw_configuration(draw):
    """Any configuration that swinlib takes, small enough to be quick."""
    stages = int(draw.integers(1, 4))
    windows = [tuple(map(int, draw.integers(1, 6, 2))) for _ in range(stages)]
    heads = [int(draw.choice([1, 2, 4])) for _ in range(stages)]
    arguments = {
        "embed_dim": 4 * int(draw.integers(1, 6)),
        "depths": tuple(map(int, draw.integers(1, 4, stages))),
        "num_heads": tuple(heads),
        "window_size": windows,
        "shift_size": [tuple(int(draw.integers(0, side)) for side in window) for window in windows],
        "patch_size": tuple(map(int, draw.integers(1, 5, 2))),
        "in_channels": int(draw.integers(1, 5)),
        "num_classes": int(draw.integers(0, 12)),
        "mlp_ratio": float(draw.choice([0.5, 1.3, 4.0])),
        "qkv_bias": bool(draw.integers(2)),
    }
    return arguments, tuple(int(draw.integers(side, side * 14)) for side in arguments["patch_size"])


@pytest.mark.parametrize("seed", range(20))
def test_configurations_drawn_at_random(page, seed):
    arguments, size = draw_configuration(np.random.default_rng(seed))
    model = build(arguments, seed)
    some = [{}, {"mask": False, "silenced": {"block": -1, "head": -1}}, {"shift": False, "left_out": 1}]
    found = greatest_differences(page, model, size, some, seed)
    assert max(max(differences.values()) for differences in found) <= TOLERANCE, (arguments, size, found)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    """The held-out digits, normalised, and their labels."""
    root = data.prepare("digits", tmp_path_factory.mktemp("data"))
    transform = data.eval_transform(16, data.DIGITS_MEAN, data.DIGITS_STD, resize=16)
    samples = list(data.image_folder(root / "val", transform))
    return torch.stack([image for image, _ in samples]), torch.tensor([label for _, label in samples])


def test_the_trained_model_reads_every_held_out_digit_as_torch_does(page, held_out):
    images, labels = held_out
    with torch.no_grad():
        full = pretrained.digits_model()(images).argmax(1)
        half = as_in_page(pretrained.digits_model())(images)
    answers = page.evaluate(
        """async ([model, images]) => {
            const read = await loadModel(model);
            const image = data => ({ data: Float32Array.from(data), height: 16, width: 16 });
            return images.map(data => [...forward(read, image(data)).logits]);
        }""",
        [DIGITS.address, images.flatten(1).tolist()],
    )
    ours = torch.tensor(answers)
    assert len(ours) == 360
    assert difference(half, ours.flatten()) <= TOLERANCE
    assert torch.equal(ours.argmax(1), full)
    assert torch.equal(ours.argmax(1), half.argmax(1))
    assert (ours.argmax(1) == labels).double().mean() > 0.98


def test_the_script_says_when_it_is_not_there(page):
    answer = page.evaluate("loadModel({ name: 'none', file: 'nowhere.js' }).catch(error => error.message)")
    assert answer == "nowhere.js is not there"


def test_a_model_may_be_sent_without_a_script(page):
    model = build({"depths": (1, 1)})
    sent = {"name": "sent", "file": "nowhere.js", "content": model_content(model)}
    found = page.evaluate("async sent => [...(await loadModel(sent)).layers[1].blocks[0].norm1.weight]", sent)
    assert torch.equal(torch.tensor(found), model.layers[1].blocks[0].norm1.weight)


def test_numbers_of_float16_arrive_as_they_are(page):
    every = torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.float16)
    every = every[every.isfinite()]
    text = base64.b64encode(every.numpy().tobytes()).decode()
    assert torch.equal(torch.tensor(page.evaluate("text => [...halfFloats(text)]", text)), every.float())


# ---- Without a browser


def statements_by_line(source):
    """How many statements end or begin on each line, as far as semicolons and keywords tell."""
    counts = []
    for line in source.splitlines():
        code = re.sub(r"//.*", "", line).strip()
        code = re.sub(r"\bfor \([^;]*;[^;]*;(?:[^()]|\([^()]*\))*\)", "", code)  # no semicolon in here ends a statement
        declared = re.match(r"(?:let|const) (?:\w+ = [^({\[]*|\w+), \w+ =", code)  # two by one comma
        inside = re.search(r"[;{}] *(?:let|const|if|for|return|\w+ [-+*]?=) ", code)
        counts.append(max(code.count(";"), 1) + bool(declared) + bool(inside and code.count(";") == 1))
    return counts


def test_swin_js_is_short_enough_to_be_read():
    lines = SWIN.splitlines()
    assert len(lines) <= 300
    assert max(map(len, lines)) <= 100
    assert [line for line, count in zip(lines, statements_by_line(SWIN), strict=True) if count > 1] == []


@pytest.mark.parametrize(
    "line",
    ["let a = 0; let b = 0;", "let a = 0, b = 1;", "if (a) { b = 1; }", "for (let i = 0; i < 2; i++) { x(); y(); }"],
)
def test_two_statements_on_a_line_are_noticed(line):
    assert statements_by_line(line) == [2]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_swin_js_is_javascript():
    result = subprocess.run(["node", "--check", FOLDER / "swin.js"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_functions_have_the_names_of_swinlib():
    ours = set(re.findall(r"^(?:function|const) (\w+)", SWIN, re.M))
    theirs = {
        *("window_partition", "window_reverse", "pad_to_windows", "effective_shift", "cyclic_shift", "space_to_depth"),
        *("shifted_window_regions", "shifted_window_mask", "relative_position_index"),
        *("shifted_window_attention", "attention_weights", "logits", "forward"),
    }
    homes = (swinlib.windows, swinlib.resampling, swinlib.SwinTransformerBlock, swinlib.WindowAttention)
    assert theirs <= ours
    assert all(any(hasattr(home, name) for home in homes) for name in theirs)


def test_the_script_holds_the_weights_of_the_file():
    content = DIGITS.content
    parameters = pretrained.digits_model().state_dict()
    assert list(content["shapes"]) == list(parameters)
    halves = np.frombuffer(base64.b64decode(content["weights"]), dtype="<f2")
    expected = torch.cat([parameter.flatten() for parameter in parameters.values()]).half()
    assert torch.equal(torch.from_numpy(halves.copy()), expected)
    assert content["arguments"] == {
        "num_heads": [3, 6],
        "window_size": [[4, 4], [4, 4]],
        "shift_size": [[2, 2], [2, 2]],
        "patch_size": [2, 2],
    }
    assert len(DIGITS.script()) < 850_000


def test_what_a_page_cannot_compute_is_refused():
    with pytest.raises(ValueError, match="of version 2"):
        model_content(swinlib.SwinTransformer(8, (1,), (1,), 2, version=2))
    model = build({"depths": (1,), "num_heads": (2,)})
    model.norm.weight[0] = 1e6
    with pytest.raises(ValueError, match=r"norm\.weight holds numbers that float16 cannot"):
        ModelInPage("large", lambda: model).script()
