"""pure-ANN, a system of Table 1: the loop without spikes.

The network is shown real values in place of spikes, a = x·c, so nothing is random after
the first cycle (but a latent layer that spikes), and no two steps of a cycle ever meet:
each goes its own way from noise to a fixed point of the network. An image whose values
all come back the same, bit for bit, has converged, and is not computed any further.
"""

from typing import NamedTuple

import numpy as np
import torch

from dasbe.ann.network import Network
from dasbe.engine.attention import attention_of, gaps_filled, has_linear_ends, ready, values_per_pixel
from dasbe.engine.foreground import Foreground, ForegroundTrains
from dasbe.engine.neurons import Deterministic, Spiking
from dasbe.engine.parallel import blocks_of, map_blocks
from dasbe.engine.streams import NoiseStreams
from dasbe.support import checks
from dasbe.support.published import CYCLES_TABLE, READOUT_CYCLES
from dasbe.systems.base import System, in_every_step

CYCLES_BETWEEN_LOOKS = 4  # for images that have converged


class Settings(NamedTuple):
    """Settings of the loop: n `cycles` of d steps, the `delay`."""

    delay: int
    cycles: int = CYCLES_TABLE


def record(
    images: np.ndarray, network: Network, settings: Settings, *, seed: int, indices: np.ndarray, device: torch.device
) -> ForegroundTrains:
    """Iterate a ← x·network(a), each step of a cycle from |N(0, 1)| noise of its own.

    What is recorded is a, of the last ten cycles: values (N, 10, d, F) float32. Latent neurons
    that spike have no refractory time here, and nothing is recurrent.
    """
    delay, cycles = (checks.whole_number(*item, 1, checks.MOST_STEPS) for item in settings._asdict().items())
    last = min(READOUT_CYCLES, cycles)
    n_bytes = 4 * len(images) * last * delay * int(np.count_nonzero(images, axis=(1, 2)).max())
    checks.memory(n_bytes, "this run", "take a smaller delay, or fewer images at a time")

    with ready(network, images, device) as net:
        trains = ForegroundTrains.silent(images, last, delay, np.float32)
        attend = attention_of(net, spikes=False)

        def run_block(block: np.ndarray) -> None:
            foreground = Foreground.of(images[block], device)
            attention = attend(foreground)
            noise = NoiseStreams(seed, indices[block], foreground.counts, device)
            latents = Spiking(noise, 0) if net.spiking else Deterministic()
            shown = noise.initial_feedback(delay, normalise=False).to(net.dtype)  # a
            for cycle in range(last - cycles, last):
                if cycle >= 0:
                    trains.record(shown, foreground.counts, block, cycle)
                if cycle == last - 1:
                    break
                before, (_, received, _) = shown, latents.cycle(attention.encode(shown), None)
                shown = attention.decode(received)
                if net.spiking or cycle % CYCLES_BETWEEN_LOOKS:
                    continue
                converged = (before.sub_(shown).abs_().amax((1, 2)) == 0).cpu().numpy()
                if not converged.any():
                    continue
                done, first = block[converged], max(cycle + 1, 0)
                trains.record(shown[converged], foreground.counts[converged], done, first)
                trains.values[done, first + 1 :] = trains.values[done, first, None]
                if converged.all():
                    break
                order = gaps_filled(~converged)
                block, foreground, shown = block[order], foreground.of_chosen(order), shown[order]
                attention.take(order)

        blocks = blocks_of(images, values_per_pixel(net, delay, layers=2))
        for _ in map_blocks(run_block, blocks, device, threads=has_linear_ends(net)):
            pass
    return trains


SYSTEM = System(
    name="pure_ann",
    title="pure-ANN",
    trained_on="single objects",
    told="number of objects, at the readout",
    sees="real values",
    network="{dataset}",
    settings=Settings,
    record=record,
    evaluations=in_every_step,
)
