"""Exercises for a class: student notebooks, assignments, and grades."""
