"""Interactive figures: Python computes, JavaScript only draws.

A new figure is three things (``reach.py`` with ``reach.js`` is the pattern):

1. ``compute(**values) -> dict``: what to draw for these values, as JSON (numbers, strings, lists, dicts). For
   impossible values it raises ``ValueError``; the figure then shows that message.
2. ``name.js`` beside it with one function ``draw({ data, values, state, stage, notes, words, say, redraw })``. It
   fills the elements ``stage`` and ``notes`` from ``data`` (usually by ``board(...)`` and ``legend(...)`` of
   ``core.js``), keeps what the reader chose inside the picture in ``state``, and puts the result in words with
   ``say(sentence)``.
3. A list of ``Control``: the names and the values offered. ``compute`` runs once for every combination of the
   values of those that are not ``view=True``, and the results are stored in the page.

The same JavaScript then runs in two places. In the page it reads the stored table: no kernel, no network, no
library. In a live notebook (JupyterLab, VS Code, Colab; through anywidget) a control with ``live=`` takes any
value, and ``compute`` answers.

**Computed in the page.** A figure with ``model=`` is the one exception to the rule. What its reader may do has no end,
a drawing for instance, so that no table holds the answers and no kernel is there to give them. ``draw`` then finds the
functions of ``swin.js``, the forward pass of a Swin, and the model by ``modelOf(...)`` of ``in_page.js``; everything
else still comes from ``compute``. What proves that the page computes what swinlib does is
``tests/figures/test_swin_in_page.py``: every tensor on the way, for many configurations and for each switch.
"""

import base64
import hashlib
import html
import io
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

from PIL import Image

from swinlib.figures.in_page import SCRIPTS, ModelInPage
from swinlib.figures.style import Picture

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Control:
    """One input of a figure.

    Attributes:
        name: the keyword of ``compute``.
        label: what stands before it on the page.
        values: what is offered; a mapping ``{value: text}`` where a value needs words. ``(False, True)`` is a
            check box, anything else a list to choose from.
        start: the value at first; the first of ``values`` if left out.
        live: attributes of the HTML input for values of the reader's own, such as
            ``{"type": "number", "min": 1}``; without it, the live form offers ``values`` too.
        view: changes only how the same data is drawn, and never reaches ``compute``.
    """

    name: str
    label: str
    values: Sequence[Any] | Mapping[Any, str]
    start: Any = None
    live: Mapping[str, Any] | None = None
    view: bool = False

    @property
    def first(self) -> Any:
        return next(iter(self.values)) if self.start is None else self.start


class Interactive:
    """An interactive figure, shown as the last expression of a cell.

    Args:
        name: of the JavaScript file beside this one, without ``.js``.
        compute: see above.
        controls: in the order in which they stand on the page.
        caption: one or two sentences that say what to see; also the name that a screen reader gives the figure.
        words: sentences for ``draw``, with fields such as ``{row}`` that it fills in.
        picture: draws the figure's start for print and for readers without JavaScript.
        alt: says in words what that picture shows.
        model: that the page computes with, where no table can hold the answers. It is loaded when the reader first
            touches the figure.
        steps: sentences of a figure that goes step by step, for print and for readers without JavaScript; a link to
            ``#step=3`` leads to the third.
        shared: JavaScript files beside this one that a few figures share, without ``.js``.

    Raises:
        ValueError: if a control does not start at one of its values.
    """

    def __init__(
        self,
        name: str,
        compute: Callable[..., dict[str, Any]],
        controls: Sequence[Control],
        *,
        caption: str,
        words: Mapping[str, str],
        picture: Callable[..., Picture],
        alt: str,
        model: ModelInPage | None = None,
        steps: Sequence[str] = (),
        shared: Sequence[str] = (),
    ) -> None:
        for control in controls:
            if control.first not in control.values:
                raise ValueError(
                    f"{control.name}={control.first!r} is not among the values that the figure offers: "
                    f"{', '.join(map(repr, control.values))}."
                )
        self.name, self.compute, self.controls = name, compute, tuple(controls)
        self.caption, self.words, self.picture, self.alt = caption, dict(words), picture, alt
        self.model, self.steps, self.shared = model, tuple(steps), tuple(shared)

    @property
    def _computed(self) -> list[Control]:
        return [control for control in self.controls if not control.view]

    def answer(self, **values: Any) -> dict[str, Any]:
        """What ``compute`` answers for these values: its data, or ``{"error": message}`` where it raises ValueError.

        With a model, the data has an entry ``model`` that says where the page finds it.
        """
        try:
            data = self.compute(**values)
            return data if self.model is None else {**data, "model": self.model.address}
        except ValueError as error:
            return {"error": str(error)}

    @cached_property
    def table(self) -> list[dict[str, Any]]:
        """The answers to every combination of the offered values; the last control varies fastest."""
        names = [control.name for control in self._computed]
        combinations = itertools.product(*(control.values for control in self._computed))
        return [self.answer(**dict(zip(names, values, strict=True))) for values in combinations]

    @cached_property
    def _spec(self) -> dict[str, Any]:
        return {
            "caption": self.caption,
            "words": self.words,
            "controls": [
                {
                    "name": control.name,
                    "label": control.label,
                    "values": list(control.values),
                    "texts": [
                        control.values[value] if isinstance(control.values, Mapping) else str(value)
                        for value in control.values
                    ],
                    "start": control.first,
                    "live": dict(control.live) if control.live else None,
                    "view": control.view,
                }
                for control in self.controls
            ],
        }

    @cached_property
    def _module(self) -> str:
        """The JavaScript of this figure: its own ``draw`` on top of what it shares, and a Swin if it has a model."""
        css = json.dumps(_read("core.css"))
        scripts = ["core.js", *(SCRIPTS if self.model else ()), *(f"{name}.js" for name in (*self.shared, self.name))]
        return "\n".join([f"const CSS = {css};", *map(_read, scripts)])

    def html(self) -> str:
        """The figure as one piece of HTML that asks for nothing outside itself."""
        data = json.dumps({"spec": self._spec, **_pack(self.table)}, separators=(",", ":"), ensure_ascii=False)
        data = data.replace("</", "<\\/")  # no string may end the script
        script = f"{self._module}\nstartInPage(KEY, {data});"
        key = f"{self.name}-{hashlib.sha256(script.encode()).hexdigest()[:10]}"
        start = {control.name: control.first for control in self.controls}
        png = base64.b64encode(_few_colours(self.picture(**start)._repr_png_())).decode()
        return (
            f'<figure class="swin-figure" data-figure="{key}" style="margin: 1em 0; text-align: left">\n'
            f"<figcaption>{html.escape(self.caption)}</figcaption>\n"
            f'<img style="max-width: 100%" alt="{html.escape(self.alt)}" src="data:image/png;base64,{png}">\n'
            f"{_list_of(self.steps)}</figure>\n"
            f'<script type="module">\n{script.replace("KEY", json.dumps(key), 1)}\n</script>'
        )

    @cached_property
    def _widget(self) -> Any:
        """The live form, or None where there is no kernel or no anywidget."""
        try:
            import anywidget
            import traitlets
            from IPython import get_ipython
        except ImportError:
            return None
        if getattr(get_ipython(), "kernel", None) is None:
            return None

        class LiveFigure(anywidget.AnyWidget):
            _esm = f"{self._module}\nexport default {{ render: startLive }};"
            spec = traitlets.Dict().tag(sync=True)
            question = traitlets.Dict().tag(sync=True)
            answer = traitlets.Dict().tag(sync=True)

        def compute(values: dict[str, Any]) -> dict[str, Any]:
            try:
                data = self.answer(**values)
                if self.model is not None:  # a notebook has no script beside it
                    data["model"] = {**self.model.address, "content": self.model.content}
                return {"values": values, "data": data}
            except Exception as error:  # a reader may type anything, and is told what Python says to it
                return {"values": values, "data": {"error": f"{type(error).__name__}: {error}"}}

        start = {control.name: control.first for control in self._computed}
        widget = LiveFigure(spec=self._spec, question=start, answer=compute(start))
        widget.observe(lambda change: widget.set_trait("answer", compute(change["new"])), "question")
        return widget

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {"text/html": self.html(), "text/plain": repr(self)}
        if self._widget is not None:
            live = self._widget._repr_mimebundle_()
            live = live[0] if isinstance(live, tuple) else live or {}
            bundle |= {WIDGET_VIEW: live[WIDGET_VIEW]} if WIDGET_VIEW in live else {}
        return bundle

    def __repr__(self) -> str:
        return f"<interactive figure: {self.caption}>"


def _read(file: str) -> str:
    return resources.files(__package__).joinpath(file).read_text(encoding="utf-8").strip()


def _list_of(steps: Sequence[str]) -> str:
    """The steps of a figure as a list, each with an address."""
    items = [f'<li id="step={k}">{html.escape(step)}</li>\n' for k, step in enumerate(steps, start=1)]
    return f"<ol>\n{''.join(items)}</ol>\n" if items else ""


def _few_colours(png: bytes) -> bytes:
    """The same picture in 32 colours: a drawing looks alike and takes a third of the bytes."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(32, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def _pack(value: Any) -> dict[str, Any]:
    """``{"pool": [...], "table": ...}``: each list is written once, however often it occurs.

    ``"@3"`` stands for entry 3 of the pool. ``startInPage`` in ``core.js`` is the inverse.
    """
    pool: dict[str, int] = {}

    def pack(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: pack(each) for key, each in value.items()}
        if isinstance(value, str) and value.startswith("@"):
            raise ValueError(f"a string in a figure's data must not start with '@'; got {value!r}.")
        if not isinstance(value, (list, tuple)):
            return value
        text = json.dumps([pack(each) for each in value], separators=(",", ":"))
        return f"@{pool.setdefault(text, len(pool))}"

    table = [pack(each) for each in value]
    return {"pool": [json.loads(text) for text in pool], "table": table}
