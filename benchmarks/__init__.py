"""Figures that a reader can measure again; see README.md for results and commands."""
