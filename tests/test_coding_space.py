"""The coding space: the compiled form against tensors, and the coincidence detector against its definition."""

import numpy as np
import pytest
import torch

from dasbe.ann.attention import add_events
from dasbe.snn.coding_space import (
    detect_coincidence,
    initial_state,
    run_cycle,
    run_cycle_with_tensors,
    run_latent_cycle,
    run_latent_cycle_with_tensors,
)
from dasbe.snn.noise import NoiseStreams

COUNTS = [7, 12, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("steps", [1, 2, 11])
def test_compiled_cycle_equals_the_one_with_tensors(dtype, steps):
    generator = torch.Generator().manual_seed(0)
    rest = torch.randint(0, 5, (3, 12), generator=generator).to(torch.int8)
    noise, noise_again = (NoiseStreams(2, range(3), COUNTS) for _ in range(2))
    state = state_again = initial_state(3, 12)
    fired = 0
    for _ in range(6):
        feedback = torch.rand((3, steps, 12), generator=generator, dtype=dtype)
        spikes, seen, state = run_cycle(feedback, noise, rest, state)
        spikes_again, seen_again, state_again = run_cycle_with_tensors(feedback, noise_again, rest, state_again)
        assert torch.equal(spikes, spikes_again) and torch.equal(seen, seen_again)
        assert all(torch.equal(a, b) for a, b in zip(state, state_again))
        fired += int(spikes.sum())
    assert fired > 10
    assert not spikes[0, :, 7:].any() and not seen[2, :, 1:].any()  # beyond an image's own pixels


def test_compiled_latent_cycle_equals_the_one_with_tensors():
    noise, noise_again = (NoiseStreams(2, range(3), COUNTS) for _ in range(2))
    counter = counter_again = torch.zeros((3, 9), dtype=torch.int8)
    for _ in range(4):
        drive = torch.rand(3, 8, 9)
        latent, counter = run_latent_cycle(drive, noise, 3, counter)
        latent_again, counter_again = run_latent_cycle_with_tensors(drive, noise_again, 3, counter_again)
        assert torch.equal(latent, latent_again) and torch.equal(counter, counter_again) and latent.any()


def test_a_state_is_not_changed_by_using_it():
    state = initial_state(1, 5)
    run_cycle(torch.ones(1, 4, 5), NoiseStreams(0, [0], [5]), torch.full((1, 5), 2, dtype=torch.int8), state)
    assert not any(tensor.any() for tensor in state)


def test_coincidence_detector_follows_its_definition(rng):
    """Step by step: a = s ∨ s1 ∨ s2; then s2 ← s1 ∧ B, s1 ← s ∧ B′."""
    spikes = rng.random((30, 50)) < 0.3
    coins = rng.integers(0, 256, (30, 50), dtype=np.uint8)
    s1, s2 = (rng.random((2, 50)) < 0.5).astype(np.uint8)
    seen, trace1, trace2 = detect_coincidence(*map(torch.from_numpy, (spikes, coins, s1, s2)))
    for t in range(30):
        np.testing.assert_array_equal(seen[t], spikes[t] | s1 | s2)
        s2, s1 = s1 & (coins[t] >> 1 & 1), spikes[t] & (coins[t] & 1)
    np.testing.assert_array_equal(trace1, s1)
    np.testing.assert_array_equal(trace2, s2)


def test_a_spike_is_seen_for_one_two_or_three_steps():
    spikes = torch.zeros((5, 40000), dtype=torch.bool)
    spikes[0] = True
    coins = torch.randint(0, 256, spikes.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(40000, dtype=torch.uint8)
    seen, _, _ = detect_coincidence(spikes, coins, zeros, zeros)
    np.testing.assert_allclose(seen.float().mean(1), [1, 0.5, 0.25, 0, 0], atol=0.01)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_events_add_up_to_the_matrix_product(rng, dtype):
    active = torch.from_numpy(rng.random((3, 5, 12)) < 0.2).to(dtype)
    active[1] = 0  # an image in which nothing happens
    rows = torch.from_numpy(rng.permutation(36).reshape(3, 12).astype(np.int32))
    weights = torch.from_numpy(rng.standard_normal((36, 7), np.float32))
    expected = torch.bmm(active.float(), weights[rows])
    torch.testing.assert_close(add_events(active, rows, weights), expected)
