"""The page's own code, run by Node; and the random numbers and values that it is given, as JavaScript."""

import json
import shutil
import subprocess
from base64 import b64decode, b64encode

import numpy as np
import torch

from dasbe.binding import live_page
from dasbe.snn.noise import coins, uniform

# What a page's code is compared by: the random words of a run, in the order in which they are used.
REPLAYED = """
class Replayed {
  constructor({ initial, words, latents, pixels, delay, nPixels }) {
    const of = (text, kind) => new kind(bytesOf(text).buffer);
    Object.assign(this, { pixelsWithInk: pixels, delay, nPixels, at: 0, atLatent: 0 });
    this.start = of(initial, Float32Array);
    [this.words, this.latents] = [of(words, Int32Array), of(latents, Int32Array)];
  }
  initial() {
    const step = (_, t) => Float64Array.from(this.start.subarray(t * this.nPixels, (t + 1) * this.nPixels));
    return Array.from({ length: this.delay }, step);
  }
  pixels() {
    const [u, b, bPrime] = [Float64Array, Uint8Array, Uint8Array].map((kind) => new kind(this.nPixels));
    u.fill(0.99);
    for (const p of this.pixelsWithInk) {
      const word = this.words[this.at++];
      u[p] = (word & ~255) / 2 ** 32 + 0.5;
      [b[p], bPrime[p]] = [(word >> 1) & 1, word & 1];
    }
    return { u, b, bPrime };
  }
  latent(n) {
    return Float64Array.from({ length: n }, () => (this.latents[this.atLatent++] & ~255) / 2 ** 32 + 0.5);
  }
}
const networkOf = ({ encoder, decoder, ...more }) =>
  new Network({ encoder: encoder.map(layerOf), decoder: decoder.map(layerOf), ...more });
const packed = (arrays) => btoa(arrays.map((s) => String.fromCharCode(...s)).join(""));
"""


def node():
    """Path of Node, or None."""
    return shutil.which("node")


def in_node(expression, **values):
    """What `expression` is in Node, beside the page's code and `values`, constants of these names."""
    constants = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
    source = live_page.LOOP.read_text("utf-8") + REPLAYED + constants
    source += f"\nprocess.stdout.write(JSON.stringify({expression}));"
    result = subprocess.run([node(), "-"], input=source, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout)


def text_of(array):
    return b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def bits_of(text, *shape):
    """(…) bool from what `packed` returns."""
    return np.frombuffer(b64decode(text), np.uint8).reshape(shape) > 0


def data_of(network):
    """A network as the page has it."""
    layers = {part: live_page._layers(network, part) for part in ("encoder", "decoder")}
    return layers | {"spiking": bool(getattr(network, "spiking_latent", False)), "shift": network.output_shift}


def dequantised(network):
    """`network` in float64, with the weights that its bytes stand for."""
    with torch.no_grad():
        for layer in (layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)):
            quantised, scales = live_page.quantise(layer.weight.numpy())
            layer.weight.copy_(torch.from_numpy(quantised * scales[:, None]))
    return network.double()


class Recorded:
    """Random numbers for :mod:`dasbe.definition`, all of which are kept for ``Replayed`` in the page's code."""

    def __init__(self, image, delay, seed, normalise=True):
        self.ink, self.n_pixels, self.delay, self.normalise = np.flatnonzero(image), image.size, delay, normalise
        self.rng, self.words, self.latents = np.random.default_rng(seed), [], []

    def _words(self, n, kept):
        kept.append(self.rng.integers(-(2**31), 2**31, n, np.int32))
        return torch.from_numpy(kept[-1])

    def initial(self):
        drawn = np.abs(self.rng.standard_normal((self.delay, self.n_pixels), np.float32))
        self.start = drawn / drawn.sum(0) if self.normalise else drawn
        return torch.from_numpy(self.start)

    def pixels(self):
        words = self._words(len(self.ink), self.words)
        u = torch.full((self.n_pixels,), 0.99, dtype=torch.float64)
        u[self.ink] = uniform(words, torch.float64)
        both = torch.zeros((2, self.n_pixels), dtype=torch.bool)
        both[:, self.ink] = torch.stack(coins(words)).bool()
        return u, *both

    def latent(self, n):
        return uniform(self._words(n, self.latents), torch.float64)

    def for_page(self):
        """What was drawn, for the constructor of ``Replayed``."""
        kept = {"words": self.words, "latents": self.latents}
        texts = {name: text_of(np.concatenate([*arrays, np.zeros(0, np.int32)])) for name, arrays in kept.items()}
        return texts | {
            "initial": text_of(self.start),
            "pixels": self.ink.tolist(),
            "delay": self.delay,
            "nPixels": self.n_pixels,
        }
