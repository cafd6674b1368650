"""Measurements that anyone can run; `make figures` writes them into docs/figures.md."""
