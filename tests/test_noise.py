"""One random word gives a uniform number and two coins: they must be what they claim, and independent."""

import numpy as np
import pytest
import torch

from dasbe.engine.streams import NoiseStreams
from dasbe.snn.noise import LOWEST_WORD, coins, uniform

pytestmark = pytest.mark.quick


def test_uniform_and_coins_are_fair_and_independent():
    words = NoiseStreams(3, [0], [5000]).pixel_words(100)[0]
    u, first, second = (numbers.numpy().ravel() for numbers in (uniform(words), *coins(words)))
    n = u.size
    assert 0 <= u.min() and u.max() < 1
    histogram, _ = np.histogram(u, bins=20, range=(0, 1))
    chi_squared = ((histogram - n / 20) ** 2 / (n / 20)).sum()
    assert chi_squared < 45  # 19 degrees of freedom: beyond this once in 1000
    for numbers in (first, second):
        assert set(np.unique(numbers)) == {0, 1}
        assert abs(numbers.mean() - 0.5) < 4 * 0.5 / np.sqrt(n)
    correlations = np.corrcoef([u, first, second])[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(n)


def test_uniform_is_exact_at_both_ends():
    words = torch.tensor([LOWEST_WORD, 2**31 - 1, 0, 255], dtype=torch.int32)
    expected = torch.tensor([0.0, 1 - 2**-24, 0.5, 0.5], dtype=torch.float64)
    assert torch.equal(uniform(words, torch.float64), expected)
    assert torch.equal(uniform(words).double(), expected)


def test_initial_feedback_sums_to_one_over_the_steps():
    feedback = NoiseStreams(0, [0, 1], [30, 20]).initial_feedback(17)
    sums = feedback.sum(1)
    assert (feedback >= 0).all()
    torch.testing.assert_close(sums[0], torch.ones(30))
    torch.testing.assert_close(sums[1], torch.cat([torch.ones(20), torch.zeros(10)]))


def test_streams_depend_on_seed_and_index_only():
    together = NoiseStreams(4, [10, 11], [6, 9])
    alone = NoiseStreams(4, [10], [6])
    torch.testing.assert_close(together.initial_feedback(5)[0, :, :6], alone.initial_feedback(5)[0])
    assert torch.equal(together.pixel_words(5)[0, :, :6], alone.pixel_words(5)[0])
    assert torch.equal(together.latent_words(5, 3)[0], alone.latent_words(5, 3)[0])
    assert not torch.equal(NoiseStreams(4, [12], [6]).pixel_words(5), NoiseStreams(5, [12], [6]).pixel_words(5))


def test_words_are_those_of_numpys_generator():
    for count, steps in ((9, 7), (8, 3), (1, 5)):
        reference = np.random.SFC64(np.random.SeedSequence([11, 3]))
        streams = NoiseStreams(11, [3], [count])
        for _ in range(3):
            words = streams.pixel_words(steps).numpy().ravel()
            raw = reference.random_raw((words.size + 1) // 2).view(np.int32)[: words.size]
            np.testing.assert_array_equal(words, raw)
