"""Artificial neural network: the autoencoder, its files, and the form in which the loop uses it."""

from dasbe.support.lazy import import_lazily

import_lazily(__name__)
