"""Spiking neural network: the equations of the neurons and where their noise comes from, on any device."""

from dasbe.support.lazy import import_lazily

import_lazily(__name__)
