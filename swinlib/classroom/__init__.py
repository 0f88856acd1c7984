"""Exercises for a class: the pages of the book, and the notebooks that are made of them."""
