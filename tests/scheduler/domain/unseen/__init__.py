"""Workflows drawn by a second hand: other shapes, words and languages than those of the corpus."""
