"""What the extensions of the book make of formulas and of style sheets, without building it."""

import io

import mathml
import pytest
from fontTools.ttLib import TTFont
from used_styles import names_in_page, used_rules, without_unasked


def test_a_formula_is_mathml_with_its_tex():
    formula = mathml.mathml(r"\sqrt{d} \le \text{size}", display=False)
    assert "<msqrt><mi>d</mi></msqrt>" in formula
    assert "<mi>size</mi>" in formula
    assert r"\sqrt{d} \le \text{size}" in formula.partition("<annotation")[2]


def test_a_formula_that_cannot_be_set_is_named():
    with pytest.raises(ValueError, match=r"'\\\\nothing x' cannot be made into MathML"):
        mathml.mathml(r"\nothing x", display=True)


def test_the_font_has_what_is_drawn_and_what_that_grows_to():
    page = mathml.mathml(r"\left\lfloor \sqrt{hx} \right\rfloor + \Omega", display=True)
    characters = mathml.drawn(page)
    assert {"√", "⌊", "Ω", "+", "\N{PLANCK CONSTANT}", "\N{MATHEMATICAL ITALIC SMALL X}"} <= characters
    assert "\\" not in characters
    font = TTFont(io.BytesIO(mathml.cut_font(characters)))
    assert {ord(each) for each in characters} <= set(font.getBestCmap())
    variants = font["MATH"].table.MathVariants
    grown = dict(zip(variants.VertGlyphCoverage.glyphs, variants.VertGlyphConstruction, strict=True))
    radical = grown[font.getBestCmap()[ord("√")]]
    assert radical.GlyphAssembly is not None
    assert radical.VariantCount > 3


NAMES = set(names_in_page('<main class="a b" id="c"><p data-x="1">Text &gt; d</p></main>'))


@pytest.mark.parametrize(
    ("selector", "stays"),
    [
        ("main .a", True),
        ("main>p:hover", True),
        ("*", True),
        ("::selection", True),
        ("#c.b", True),
        ("p[data-x]:not(.other)", True),
        (":is(.other, p)", True),
        (".A", False),
        ("#other", False),
        ("main .other", False),
        ("article p", False),
        ("p[data-y]", False),
        (":is(.other, ul) p", False),
        ("d", False),
    ],
)
def test_rules_that_may_apply_stay(selector, stays):
    rule = selector + "{color:red}"
    assert used_rules(rule, NAMES) == (rule if stays else "")
    assert used_rules(f"@media print{{{rule}}}", NAMES) == (f"@media print{{{rule}}}" if stays else "")


def test_of_several_selectors_those_that_may_apply_stay():
    assert used_rules(".a,.other{color:red}", NAMES) == ".a{color:red}"


def test_variables_and_animations_stay_that_are_asked_for():
    css = 'p{--a:"x;y";--b:1;color:var(--b);animation:turn 1s}@keyframes turn{to{top:0}}@keyframes other{to{top:0}}'
    assert without_unasked(css) == "p{--b:1;color:var(--b);animation:turn 1s}@keyframes turn{to{top:0}}"
