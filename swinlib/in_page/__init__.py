"""What runs inside a page of the book: a small torch in pure Python, and what answers an exercise with it.

Nothing of the model depends on it. ``torch`` in this folder stands for PyTorch where there is none; its tests compare
the two.
"""
