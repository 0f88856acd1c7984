"""The benchmark whose figures a chapter shows does what the chapter says; how long it takes is each machine's own."""

import importlib.util
from pathlib import Path

import nbformat
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def fused_attention():
    """The benchmark whose figures chapter 4 shows."""
    spec = importlib.util.spec_from_file_location("fused_attention", ROOT / "benchmarks" / "fused_attention.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_ways_compute_the_same(fused_attention):
    q, k, v = torch.randn(3, 2, 3, 49, 32)
    bias = torch.randn(1, 3, 49, 49)
    lines, fused = fused_attention.line_by_line(q, k, v, bias), fused_attention.fused(q, k, v, bias)
    torch.testing.assert_close(lines, fused, atol=1e-5, rtol=1e-5)


def test_every_case_is_measured_both_ways(fused_attention):
    for case in fused_attention.CASES:
        assert all(0 < seconds < float("inf") for seconds in fused_attention.measure(case, rounds=1))


def test_chapter_4_shows_every_case_with_machine_and_date(fused_attention):
    cells = nbformat.read(ROOT / "book" / "04_matmul_and_elementwise.ipynb", as_version=4).cells
    [shown] = [cell.source for cell in cells if "benchmarks/fused_attention.py" in cell.source]
    assert all(f"| {case} |" in shown for case in fused_attention.CASES)
    assert "Measured on 28 November 2026" in shown
    assert "AMD EPYC" in shown
