"""Of a style sheet, the rules that can apply to some page.

A rule stays if every element, class, attribute and identifier of one of its
selectors is among the names that occur in pages, or in scripts, which may set
them.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import tinycss2

NAMED = re.compile(r"<([a-zA-Z][\w-]*)((?:\s[^<>]*)?)>")
ATTRIBUTE = re.compile(r"([\w-]+)(?:=\"([^\"]*)\")?")
ADDRESS = re.compile(r"url\(\s*(['\"]?)(?!data:|#)([^'\")]+)\1\s*\)")
ALTERNATIVES = {"is", "where", "matches", "-webkit-any", "has"}


def names_in_page(page: str) -> Iterator[str]:
    """Yield the elements of a page, and their attributes, classes and ids."""
    for tag, attributes in NAMED.findall(page):
        yield tag.lower()
        for name, value in ATTRIBUTE.findall(attributes):
            yield name.lower()
            if name in ("class", "id"):
                yield from value.split()


def split_at_commas(tokens: Iterable) -> Iterator[list]:
    """Yield the parts of a list of selectors."""
    part: list = []
    for token in tokens:
        if token == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def may_apply(selector: list, names: set[str]) -> bool:
    """Tell whether a selector may meet an element of these names."""
    after = None  # the last token
    pseudo = False
    for token in selector:
        if token.type == "ident" and after in (".", None, " ") and not pseudo:
            known = token.value if after == "." else token.lower_value
            if known not in names:
                return False
        if token.type == "hash" and token.value not in names:
            return False
        if token.type == "[] block":
            name = next(each for each in token.content if each.type == "ident")
            if name.lower_value not in names:
                return False
        if token.type == "function" and token.lower_name in ALTERNATIVES:
            parts = list(split_at_commas(token.arguments))
            if not any(may_apply(part, names) for part in parts):
                return False
        pseudo = token == ":"
        if token.type == "whitespace" or token in (">", "+", "~"):
            after = " "
        else:
            after = token.value if token == "." else token.type
    return True


def used_rules(css: str, names: set[str]) -> str:
    """Return the rules of a style sheet that may apply."""
    rules = tinycss2.parse_stylesheet(
        css, skip_comments=True, skip_whitespace=True
    )
    return "".join(used(rule, names) for rule in rules)


def used(rule: object, names: set[str]) -> str:
    """Return what of a rule may apply, as text."""
    if rule.type == "qualified-rule":
        parts = [
            tinycss2.serialize(part).strip()
            for part in split_at_commas(rule.prelude)
            if may_apply(part, names)
        ]
        content = tinycss2.serialize(rule.content).strip()
        return f"{','.join(parts)}{{{content}}}" if parts and content else ""
    if rule.type != "at-rule" or rule.lower_at_keyword in ("charset", "import"):
        return ""
    start = f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}".strip()
    if rule.content is None:
        return f"{start};"
    content = tinycss2.serialize(rule.content)
    if rule.lower_at_keyword in ("media", "supports", "layer", "container"):
        content = used_rules(content, names)
    return f"{start}{{{content.strip()}}}" if content.strip() else ""


def without_unasked(css: str) -> str:
    """Leave out the variables, fonts and animations that no rule asks for."""
    asked = set(re.findall(r"var\(\s*(--[\w-]+)", css))
    css = re.sub(
        r"(?<=[{;])\s*(--[\w-]+):(?:\"[^\"]*\"|'[^']*'|[^;{}\"'])*(?:;|(?=}))",
        lambda match: match[0] if match[1] in asked else "",
        css,
    )

    def if_played(match: re.Match) -> str:
        played = re.search(rf"animation[^;{{}}]*\b{match[1]}\b", css)
        return match[0] if played else ""

    css = re.sub(
        r"@keyframes\s+([\w-]+)\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}",
        if_played,
        css,
    )
    fonts = r"@font-face\s*\{[^}]*font-family:\s*[\"']?Font ?Awesome[^}]*\}"
    return re.sub(fonts, "", css)


def read_sheet(path: Path, static: Path) -> str:
    """Return a style sheet with what it imports; addresses begin at static."""
    css = path.read_text(encoding="utf-8")
    imported = re.findall(r"@import\s+[\"']([^\"']+)[\"'];", css)
    before = [read_sheet(path.parent / name, static) for name in imported]

    def moved(match: re.Match) -> str:
        place = os.path.relpath(path.parent / match[2], static)
        return f"url({PurePosixPath(place)})"

    return "\n".join([*before, ADDRESS.sub(moved, css)])
