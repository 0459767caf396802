"""Sweeps over images, seeds and systems: cut into units, spread over workers, stored as they come."""
