"""The coding space: the compiled form against tensors, and the coincidence detector against its definition."""

import numpy as np
import pytest
import torch

from dasbe.engine.attention import add_events
from dasbe.engine.feedback import InitialFeedback
from dasbe.engine.neurons import Pixels, Spiking
from dasbe.engine.streams import NoiseStreams
from dasbe.snn.coding_space import detect_coincidence, latent_cycle, pixel_cycle, quiescent

pytestmark = pytest.mark.quick

COUNTS = [7, 12, 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("steps", [1, 2, 11])
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_compiled_cycle_equals_the_one_with_tensors(dtype, steps, moving):
    generator = torch.Generator().manual_seed(0)
    refractory = torch.randint(0, 5, (3, 12), generator=generator).to(torch.int8)
    noise, noise_again = (NoiseStreams(2, range(3), COUNTS) for _ in range(2))
    pixels = Pixels(noise, refractory)
    state = state_again = pixels.quiescent()
    fired = 0
    for _ in range(6):
        c = torch.rand((3, steps, 12), generator=generator, dtype=dtype)
        x = torch.randint(0, 2, (3, 12), generator=generator).to(torch.uint8) if moving else None
        spikes, seen, state = pixels.cycle(InitialFeedback(c), state, x)
        drive = c * x[:, None] if moving else c
        spikes_again, seen_again, state_again = pixel_cycle(
            drive, noise_again.pixel_words(steps), refractory, state_again
        )
        assert torch.equal(spikes, spikes_again) and torch.equal(seen, seen_again)
        assert all(torch.equal(a, b) for a, b in zip(state, state_again))
        assert spikes.dtype == spikes_again.dtype == torch.bool and seen.dtype == seen_again.dtype == torch.uint8
        assert not moving or not spikes[(x == 0)[:, None].expand_as(spikes)].any()
        fired += int(spikes.sum())
    assert fired > 10
    assert not spikes[0, :, 7:].any() and not seen[2, :, 1:].any()  # beyond an image's own pixels


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_compiled_latent_cycle_equals_the_one_with_tensors(dtype):
    noise, noise_again = (NoiseStreams(2, range(3), COUNTS) for _ in range(2))
    generator = torch.Generator().manual_seed(0)
    latents, memory, counter = Spiking(noise, 3), None, torch.zeros((3, 9), dtype=torch.int8)
    for _ in range(4):
        drive = torch.rand((3, 8, 9), generator=generator, dtype=dtype)
        latent, received, memory = latents.cycle(drive, memory)
        expected, counter = latent_cycle(drive, noise_again.latent_words(8, 9), 3, counter)
        assert torch.equal(latent, expected) and torch.equal(received, expected) and latent.any()
        assert torch.equal(memory, counter)


def test_a_state_is_not_changed_by_using_it():
    pixels = Pixels(NoiseStreams(0, [0], [5]), torch.full((1, 5), 2, dtype=torch.int8))
    state = quiescent(1, 5)
    _, _, after = pixels.cycle(InitialFeedback(torch.ones(1, 4, 5)), state)
    assert not any(tensor.any() for tensor in state) and after.counter.any()
    latents, memory = Spiking(NoiseStreams(0, [0], [5]), 5), torch.zeros((1, 9), dtype=torch.int8)
    _, _, after = latents.cycle(torch.ones(1, 4, 9), memory)
    assert not memory.any() and after.any()


def test_coincidence_detector_follows_its_definition():
    """a = s ∨ s1 ∨ s2; then s2 ← s1 ∧ B, s1 ← s ∧ B′: all 32 cases, of bits, of arrays, and of tensors."""
    cases = np.indices((2,) * 5).reshape(5, -1)
    s, s1, s2, b, b_prime = cases
    expected = np.array([(s + s1 + s2 > 0).astype(int), s * b_prime, s1 * b])
    np.testing.assert_array_equal(detect_coincidence(*cases), expected)
    np.testing.assert_array_equal(torch.stack(detect_coincidence(*map(torch.from_numpy, cases))), expected)
    np.testing.assert_array_equal([detect_coincidence(*map(int, case)) for case in cases.T], expected.T)


def test_a_spike_is_seen_for_one_two_or_three_steps():
    """By the detector as the compiled pixels apply it, with the coins that they draw."""
    n, steps = 40000, 5
    c = torch.zeros(1, steps, n)
    c[:, 0] = 2  # above threshold, whatever the noise
    pixels = Pixels(NoiseStreams(0, [0], [n]), torch.zeros((1, n), dtype=torch.int8))
    spikes, seen, _ = pixels.cycle(InitialFeedback(c), pixels.quiescent())
    assert spikes[0, 0].all() and not spikes[0, 1:].any()
    np.testing.assert_allclose(seen[0].float().mean(1), [1, 0.5, 0.25, 0, 0], atol=0.01)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_events_add_up_to_the_matrix_product(rng, dtype):
    active = torch.from_numpy(rng.random((3, 5, 12)) < 0.2).to(dtype)
    active[1] = 0  # an image in which nothing happens
    rows = torch.from_numpy(rng.permutation(36).reshape(3, 12).astype(np.int32))
    weights = torch.from_numpy(rng.standard_normal((36, 7), np.float32))
    expected = torch.bmm(active.float(), weights[rows])
    torch.testing.assert_close(add_events(active, rows, weights), expected)
