"""The page of corrections: its overview counts what the page says of each sentence of the post."""

import re
from collections import Counter
from pathlib import Path

import nbformat

PAGE = Path(__file__).resolve().parents[2] / "book" / "corrections.ipynb"
KINDS = ("False", "Incomplete", "Addition")


def judged():
    """How many sentences of each section of the post are judged in which way, and the numbers of all."""
    section, counts, numbers = 0, {}, []
    for cell in nbformat.read(PAGE, 4).cells:
        if cell.cell_type == "markdown":
            for paragraph in cell.source.split("\n\n"):
                if heading := re.match(r"## (\d)\. ", paragraph):
                    section = int(heading[1])
                    counts[section] = Counter()
                if number := re.match(r"\*\*(\d+)\.\*\* ", paragraph):
                    numbers.append(int(number[1]))
                if kind := re.match(rf"\*({'|'.join(KINDS)})\.\* ", paragraph):
                    counts[section][kind[1]] += 1
    return counts, numbers


def test_overview_counts_the_sentences():
    counts, numbers = judged()
    lines = re.findall(r"^(\d)\. .*?\): (.*)[;.]$", nbformat.read(PAGE, 4).cells[0].source, re.M)
    said = {
        int(section): {kind: int(number) for number, kind in re.findall(r"(\d+) (false|incomplete|addition)", line)}
        for section, line in lines
    }
    assert said == {section: {kind.lower(): n for kind, n in count.items()} for section, count in counts.items()}
    assert numbers == list(range(1, 41))
    assert sum(map(Counter.total, counts.values())) == len(numbers)
