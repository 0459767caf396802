"""Matrix products: float32 whatever library computes them, and nothing is left changed."""

import numpy as np
import pytest
import torch

import dasbe
from dasbe.engine import parallel as products
from dasbe.engine.parallel import batched_product, widest_arithmetic

pytestmark = pytest.mark.quick

FAST = torch.backends.cpu.get_cpu_capability() == "AVX512" and products._SETTING is not None


@pytest.fixture
def factors():
    generator = torch.Generator().manual_seed(1)
    return torch.rand((5, 30, 300), generator=generator), torch.randn((5, 300, 70), generator=generator) / 300**0.5


@pytest.fixture
def fresh_trial():
    """Whether oneDNN is exact is tried again, now and after the test."""
    products.onednn_is_exact.cache_clear()
    yield
    products.onednn_is_exact.cache_clear()


@pytest.fixture
def without_onednn(monkeypatch):
    monkeypatch.setattr(products, "onednn_is_exact", lambda: False)


def largest_error(factors):
    a, b = factors
    with widest_arithmetic():
        product = batched_product(a, b)
    assert product.dtype == a.dtype
    return float((product - torch.bmm(a.double(), b.double())).abs().max())


def test_products_are_exact_to_float32(factors):
    assert largest_error(factors) < 1e-5


def test_products_without_onednn(factors, without_onednn):
    assert largest_error(factors) < 1e-5


def test_products_of_float64_stay_in_float64(factors):
    assert largest_error([factor.double() for factor in factors]) < 1e-13


@pytest.mark.skipif(not FAST, reason="oneDNN is of no use on this CPU")
def test_onednn_that_rounds_is_left_alone(fresh_trial, monkeypatch):
    exact = torch.bmm

    def rounding(a, b):
        return exact(a.bfloat16(), b.bfloat16()).float() if a.dtype == torch.float32 else exact(a, b)

    monkeypatch.setattr(torch, "bmm", rounding)
    assert not products.onednn_is_exact()


def test_settings_are_as_before():
    if products._SETTING is None:
        pytest.skip("this PyTorch has no such setting")
    before = products._SETTING.fp32_precision
    with pytest.raises(KeyError), widest_arithmetic():
        assert products._SETTING.fp32_precision == ("bf16" if products.onednn_is_exact() else before)
        raise KeyError
    assert products._SETTING.fp32_precision == before
    torch.get_float32_matmul_precision()  # raises if the settings contradict each other


def test_spikes_do_not_depend_on_the_library(shapes, random_network, monkeypatch):
    images = shapes[0][:6]
    options = {"delay": 16, "refractory": 3, "cycles": 6, "seed": 4}
    spikes = dasbe.bind(images, random_network(hidden=()), **options).spikes
    monkeypatch.setattr(products, "onednn_is_exact", lambda: False)
    assert spikes.any()
    np.testing.assert_array_equal(dasbe.bind(images, random_network(hidden=()), **options).spikes, spikes)
