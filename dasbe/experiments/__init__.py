"""Experiments: one module for each figure and table; each computes, saves arrays, and draws."""
