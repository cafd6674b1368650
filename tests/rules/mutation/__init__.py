"""Mutants of the two files of rules, and the hunt for them: each must change a cell's verdict."""
