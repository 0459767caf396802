"""A user's module is what is computed: the fast path gives what the module itself gives, or one line says why not.

The reference calls encoder and decoder of the same module through a plain function, on
whole images, as a reader of the README would.
"""

import copy
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import dasbe
from dasbe.ann.network import usable
from dasbe.engine.attention import has_linear_ends
from dasbe.systems import SYSTEMS, reconstruction_clustering

pytestmark = pytest.mark.quick

SHAPE, PIXELS, DELAY, UNITS = (10, 10), 100, 16, 24
OPTIONS = {"delay": DELAY, "refractory": 3, "cycles": 4, "seed": 3}


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(7)
        yield


@pytest.fixture(scope="module")
def images():
    drawn = np.zeros((3, *SHAPE), np.uint8)
    drawn[0, 2:5, 1:8], drawn[1, 1:9, 4:6], drawn[2, 3:8, 3:8] = 1, 1, 1
    return drawn


class Parts(nn.Module):
    """A module of a user's own, with an encoder and a decoder."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


class Layer(nn.Module):
    """A layer that is a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class HalvedLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x) / 2


class HalvedSequential(nn.Sequential):
    def forward(self, x):
        return super().forward(x) / 2


class CountedCalls(nn.Module):
    """A layer that changes a buffer of its own in every call, in evaluation mode too."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x


def first_winners(x):
    """Keep the eight largest of each row."""
    return torch.where(x >= x.topk(8, dim=1).values[:, -1:], x, 0.0)


def lively(layer):
    """Wide weights, so that the nonlinearities matter and the feedback is neither 0 nor 1."""
    with torch.no_grad():
        layer.weight.mul_(5)
    return layer


def ends(*between, latent=None, units=UNITS, width=None, dtype=None, bias=True):
    """Linear ends with `between` the first layer and the latent activation, by default a sigmoid."""
    latent = (nn.Sigmoid(),) if latent is None else latent
    width = units if width is None else width
    encoder = nn.Sequential(lively(nn.Linear(PIXELS, units, bias=bias)), *between, *latent)
    decoder = nn.Sequential(lively(nn.Linear(width, PIXELS, bias=bias)), nn.Sigmoid())
    return Parts(encoder, decoder).to(dtype or torch.float32)


def with_hook(place, pre=False):
    module = ends()
    part = {"first": module.encoder[0], "encoder": module.encoder, "last": module.decoder[0], "between": None}[place]
    if pre:
        part.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 0.5,))
    else:
        part.register_forward_hook(lambda module, inputs, output: output * 0.5)
    return module


def replaced_forward():
    module = ends()
    linear = module.encoder[0]
    linear.forward = lambda x: nn.functional.linear(x, linear.weight) * 0.3
    return module


def in_train_mode(module):
    return module.train()


def trained_batch_norm():
    norm = nn.BatchNorm1d(UNITS)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(0.5, 2)
    return norm


def convolutional():
    return dasbe.as_network(
        nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(300, 20), nn.Sigmoid()),
        nn.Sequential(lively(nn.Linear(20, 300)), nn.Unflatten(1, (3, 10, 10)), nn.Conv2d(3, 1, 3, padding=1)),
        image_shape=SHAPE,
        logits=True,
    )


def spiking(recurrent=False):
    network = dasbe.ann.autoencoder.Autoencoder(
        dasbe.ann.architecture.Architecture(SHAPE, (30,), UNITS, spiking=True, recurrent=recurrent)
    )
    lively(network.decoder[0])
    return network


# name → (module, whether it takes the fast path)
MODULES = {
    "plain": (ends, True),
    "two layers": (lambda: ends(nn.ReLU(), nn.Linear(UNITS, UNITS)), True),
    "softmax without dim": (lambda: ends(latent=(nn.Softmax(),)), True),
    "softmax over dim 1": (lambda: ends(latent=(nn.Softmax(dim=1),)), True),
    "softmax over the last": (lambda: ends(latent=(nn.Softmax(dim=-1),)), True),
    "winners over dim 1": (lambda: ends(latent=(nn.Sigmoid(), Layer(first_winners))), True),
    "normalised": (lambda: ends(latent=(nn.Sigmoid(), Layer(normalize))), True),
    "sum over dim 0 of one row": (lambda: ends(Layer(lambda x: x.view(len(x), 1, -1).sum(1))), True),
    "batch norm as wide as d": (lambda: ends(nn.BatchNorm1d(DELAY), units=DELAY), True),
    "batch norm": (lambda: ends(trained_batch_norm()), True),
    "group norm": (lambda: ends(nn.GroupNorm(4, UNITS)), True),
    "layer norm": (lambda: ends(nn.LayerNorm(UNITS)), True),
    "prelu of each unit": (lambda: ends(nn.PReLU(UNITS)), True),
    "flatten inside": (lambda: ends(nn.Flatten()), True),
    "convolution inside": (
        lambda: ends(nn.Unflatten(1, (2, 12)), nn.Conv1d(2, 2, 3, padding=1), nn.Flatten()),
        True,
    ),
    "dropout in train mode": (lambda: in_train_mode(ends(nn.Dropout(0.5))), True),
    "batch norm in train mode": (lambda: in_train_mode(ends(trained_batch_norm())), True),
    "buffer that changes": (lambda: ends(CountedCalls()), True),
    "overwriting layer": (lambda: ends(Layer(lambda x: x.mul_(0.5))), True),
    "overwriting decoder": (
        lambda: Parts(
            nn.Sequential(lively(nn.Linear(PIXELS, UNITS)), nn.Sigmoid()),
            nn.Sequential(Layer(lambda h: h.mul_(0.7)), lively(nn.Linear(UNITS, PIXELS)), nn.Sigmoid()),
        ),
        True,
    ),
    "no bias": (lambda: ends(bias=False), True),
    "float64": (lambda: ends(dtype=torch.float64), True),
    "spiking": (spiking, True),
    "spiking and recurrent": (lambda: spiking(recurrent=True), True),
    "subclass of the first layer": (
        lambda: Parts(nn.Sequential(HalvedLinear(PIXELS, UNITS), nn.Sigmoid()), ends().decoder),
        False,
    ),
    "subclass of the last layer": (
        lambda: Parts(ends().encoder, nn.Sequential(HalvedLinear(UNITS, PIXELS), nn.Sigmoid())),
        False,
    ),
    "subclass of the sequence": (lambda: Parts(HalvedSequential(*ends().encoder), ends().decoder), False),
    "replaced forward": (replaced_forward, False),
    "hook on the first layer": (lambda: with_hook("first"), False),
    "hook before the first layer": (lambda: with_hook("first", pre=True), False),
    "hook on the encoder": (lambda: with_hook("encoder"), False),
    "hook before the last layer": (lambda: with_hook("last", pre=True), False),
    "spectral norm": (
        lambda: Parts(nn.Sequential(spectral_norm(nn.Linear(PIXELS, UNITS)), nn.Sigmoid()), ends().decoder),
        False,
    ),
    "weight norm": (
        lambda: Parts(ends().encoder, nn.Sequential(weight_norm(nn.Linear(UNITS, PIXELS)), nn.Sigmoid())),
        False,
    ),
    "convolution": (convolutional, False),
    "softplus": (lambda: ends(nn.Softplus()), True),
    "hard sigmoid at the end": (
        lambda: Parts(ends().encoder, nn.Sequential(lively(nn.Linear(UNITS, PIXELS)), nn.Hardsigmoid())),
        False,
    ),
}


def whole_images(module):
    """`module` as a plain function of whole images; with what it carries from cycle to cycle if it has anything."""
    reference = copy.deepcopy(module).eval()
    return Parts(Layer(reference.encoder), Layer(reference.decoder))


def state_of(module):
    flags = [part.training for part in module.modules()]
    return flags, {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("name", MODULES)
def test_both_paths_give_what_the_module_gives(images, name):
    build, fast = MODULES[name]
    module = build()
    reference = whole_images(module)
    for attribute in ("spiking_latent", "recurrent", "combine"):
        if getattr(module, attribute, None) is not None:
            object.__setattr__(reference, attribute, getattr(module, attribute))
    flags, weights = state_of(module)
    with usable(module, "cpu") as network:
        assert has_linear_ends(network) == fast
    record = ("spikes", "feedback", "latents")
    run, expected = (dasbe.bind(images, net, record=record, **OPTIONS) for net in (module, reference))
    assert run.spikes.any((0, 2, 3, 4)).all(), "there must be something to compare in every cycle"
    np.testing.assert_array_equal(run.spikes, expected.spikes)
    np.testing.assert_allclose(run.feedback, expected.feedback, atol=1e-5)
    np.testing.assert_allclose(run.latents, expected.latents, atol=1e-5)
    np.testing.assert_array_equal(dasbe.bind(images, module, **OPTIONS).spikes, run.spikes)  # recording changes nothing
    flags_after, weights_after = state_of(module)
    assert flags_after == flags
    assert all(torch.equal(weights_after[key], weights[key]) for key in weights)


def without_spikes(images, network, delay):
    """What pure-ANN records in three cycles."""
    settings = SYSTEMS["pure_ann"].settings(delay, cycles=3)
    return SYSTEMS["pure_ann"].segment(images, network, settings=settings, n_objects=2, seed=1, spikes=True)[1]


@pytest.mark.parametrize("name", MODULES)
def test_the_other_systems_take_the_same_modules(monkeypatch, images, name):
    module = MODULES[name][0]()
    reference = whole_images(module)
    if getattr(module, "spiking_latent", False):
        object.__setattr__(reference, "spiking_latent", True)
    flags, weights = state_of(module)
    values, expected = (without_spikes(images, net, 6).values for net in (module, reference))
    np.testing.assert_allclose(values, expected, atol=1e-5)
    monkeypatch.setattr(reconstruction_clustering, "ITERATIONS", 3)
    labels, expected = (dasbe.segment(images, net, "rc", n_objects=2) for net in (module, reference))
    np.testing.assert_array_equal(labels, expected)
    flags_after, weights_after = state_of(module)
    assert flags_after == flags and all(torch.equal(weights_after[key], weights[key]) for key in weights)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32_on_a_copy(images, dtype):
    module = ends(dtype=dtype)
    expected = dasbe.bind(images, copy.deepcopy(module).float(), **OPTIONS).spikes
    np.testing.assert_array_equal(dasbe.bind(images, module, **OPTIONS).spikes, expected)
    assert all(parameter.dtype == dtype for parameter in module.parameters())


def test_autocast_changes_nothing(images):
    expected = dasbe.bind(images, ends(), **OPTIONS).spikes
    torch.manual_seed(7)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for n_threads in (1, 2):
            before = torch.get_num_threads()
            torch.set_num_threads(n_threads)
            try:
                torch.manual_seed(7)
                np.testing.assert_array_equal(dasbe.bind(images, ends(), **OPTIONS).spikes, expected)
            finally:
                torch.set_num_threads(before)


def test_dropout_does_not_let_an_images_spikes_depend_on_its_batch(images):
    module = in_train_mode(ends(nn.Dropout(0.5), dtype=torch.float64))
    together = dasbe.bind(images, module, **OPTIONS).spikes
    np.testing.assert_array_equal(dasbe.bind(images[1:2], module, indices=[1], **OPTIONS).spikes, together[1:2])


class TestPlainFunctions:
    def test_a_function_that_overwrites_its_input(self, images):
        def overwriting(x):
            return x.mul_(0.5).add_(0.1)

        def pure(x):
            return x * 0.5 + 0.1

        runs = [dasbe.bind(images, f, record=("spikes", "feedback"), **OPTIONS) for f in (overwriting, pure)]
        np.testing.assert_array_equal(runs[0].spikes, runs[1].spikes)
        np.testing.assert_array_equal(runs[0].feedback, runs[1].feedback)
        np.testing.assert_array_equal(dasbe.bind(images, overwriting, **OPTIONS).spikes, runs[0].spikes)

    def test_the_record_of_a_random_function_is_what_acted(self, images):
        """All pixels or none, drawn at each call: where the feedback is 1 every pixel that is ready fires."""
        generator = torch.Generator().manual_seed(0)

        def all_or_none(x):
            return (torch.rand((len(x), 1), generator=generator) < 0.5).expand(x.shape).float()

        options = {**OPTIONS, "refractory": 0, "cycles": 8}
        run = dasbe.bind(images, all_or_none, record=("spikes", "feedback"), **options)
        acted = run.feedback[:, :-1] == 1
        ink = np.broadcast_to(images[:, None, None] == 1, acted.shape)
        assert run.spikes[:, 1:][acted & ink].mean() > 0.99 and not run.spikes[:, 1:][~acted].any()

    def test_tuples_and_half_precision(self, images):
        expected = dasbe.bind(images, lambda x: (x * 0.25).half().float(), **OPTIONS).spikes
        np.testing.assert_array_equal(dasbe.bind(images, lambda x: ((x * 0.25).half(), x), **OPTIONS).spikes, expected)

    def test_all_systems_take_them(self, images):
        assert dasbe.segment(images, lambda x: x * 0.5, "rc", n_objects=2).max() == 2
        assert dasbe.segment(images, ends().encoder.__class__(nn.Identity()), "rc", n_objects=2).max() == 2
        assert without_spikes(images, lambda x: (x * 0.5,), 3).values.any()


class TestAsNetwork:
    def test_other_names_and_logits_take_the_fast_path(self, images):
        module = ends()
        linear = dasbe.as_network(module.encoder, nn.Sequential(module.decoder[0]), logits=True)
        nested = dasbe.as_network(
            nn.Sequential(nn.Flatten(), nn.Sequential(*module.encoder)),
            nn.Sequential(nn.Sequential(*module.decoder), nn.Unflatten(1, (1, *SHAPE))),
        )
        flat = dasbe.as_network(module.encoder, module.decoder, image_shape=None)
        expected = dasbe.bind(images, module, **OPTIONS).spikes
        for network in (linear, nested, flat):
            with usable(network, "cpu") as prepared:
                assert has_linear_ends(prepared)
            np.testing.assert_array_equal(dasbe.bind(images, network, **OPTIONS).spikes, expected)

    def test_flattening_networks_of_images_take_the_fast_path(self, images):
        module = ends()
        encoder = nn.Sequential(nn.Flatten(), *module.encoder)
        decoder = nn.Sequential(*module.decoder, nn.Unflatten(1, (1, *SHAPE)))
        network = dasbe.as_network(encoder, decoder, image_shape=SHAPE)
        with usable(network, "cpu") as prepared:
            assert has_linear_ends(prepared)
        np.testing.assert_array_equal(
            dasbe.bind(images, network, **OPTIONS).spikes, dasbe.bind(images, module, **OPTIONS).spikes
        )

    def test_functions_and_images_with_a_channel_axis(self, images):
        network = dasbe.as_network(
            lambda x: x.mean((1, 2, 3))[:, None],
            lambda h: h.view(-1, 1, 1, 1).expand(-1, 1, *SHAPE),
            image_shape=SHAPE,
        )
        run = dasbe.bind(images, network, record=("latents",), **OPTIONS)
        assert run.latents.shape == (3, 4, DELAY, 1) and run.latents.any()

    def test_bad_input(self):
        for arguments, options, match in (
            ((3, nn.Identity()), {}, "encoder is 3; it must be a module"),
            ((nn.Identity(), nn.Linear), {}, "decoder is .* it must be a module"),
            ((nn.Identity(), nn.Identity()), {"image_shape": (0, 3)}, r"image_shape is \(0, 3\)"),
            ((nn.Identity(), nn.Identity()), {"image_shape": 28}, "image_shape is 28"),
            ((nn.Identity(), nn.Identity()), {"image_shape": "ab"}, "image_shape is 'ab'"),
            ((nn.Identity(), nn.Identity()), {"logits": "no"}, "logits is 'no'; it must be True or False"),
        ):
            with pytest.raises(dasbe.InputError, match=match):
                dasbe.as_network(*arguments, **options)


def returns_late(value, first=3):
    """A function that returns `value` from its call number `first` on, and what is right before."""
    calls = []

    def function(x):
        calls.append(len(x))
        return torch.full_like(x, value) if len(calls) > first else x * 0.5

    return function


BAD = {
    "nan for ink": (lambda x: torch.where(x.sum(1, keepdim=True) > 0, torch.nan, x), "returns nan; all its values"),
    "2 for ink": (lambda x: 2 * x, "returns 2; all its values must lie in"),
    "-1 for ink": (lambda x: -x, "returns -1; all its values"),
    "nan later": (returns_late(torch.nan), "returns nan; all its values"),
    "2 later": (returns_late(2.0), "returns 2; all its values"),
    "numpy": (lambda x: x.numpy(), "returns a ndarray; it must return a tensor"),
    "none": (lambda x: None, "returns a NoneType; it must return a tensor"),
    "list": (lambda x: [x], "returns a list; it must return a tensor"),
    "an empty tuple": (lambda x: (), "returns a tuple; it must return a tensor"),
    "a channel axis": (lambda x: x.view(-1, 1, *SHAPE), r"shape \(3, 1, 10, 10\).*as_network"),
    "too few values": (lambda x: x[:, 1:], r"shape \(3, 99\)"),
    "too few rows": (lambda x: x[1:], r"shape \(2, 100\)"),
    "a class": (Parts, "network is the class Parts; it must be a module"),
    "a name": ("shapes", "network is a str; it must be a module"),
    "a failing function": (lambda x: 1 / 0, "does not take images of 10×10 .*ZeroDivisionError"),
    "a network for other images": (lambda x: nn.Linear(50, 50)(x), "does not take images of 10×10"),
    "a convolution": (
        Parts(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)),
        r"does not take images .*as_network\(encoder, decoder, image_shape=\(10, 10\)\)",
    ),
    "batch statistics": (ends(nn.BatchNorm1d(UNITS, track_running_stats=False)), "among others than among fewer"),
    "a code of another length": (
        Parts(Layer(lambda x: x.sum(0)), Layer(lambda h: torch.zeros(3, PIXELS))),
        "the encoder returns",
    ),
    "logits": (Parts(ends().encoder, nn.Linear(UNITS, PIXELS)), "all its values must lie in .*logits=True"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_network_is_refused_in_one_line(images, name):
    network, match = BAD[name]
    for call in (
        lambda net: dasbe.bind(images, net, **OPTIONS),
        lambda net: dasbe.segment(images, net, "pure_ann", n_objects=2, delay=3, cycles=6),
        lambda net: dasbe.segment(images, net, "rc", n_objects=2),
    ):
        with pytest.raises(dasbe.InputError, match=match) as caught:
            call(copy.deepcopy(network) if name.endswith("later") else network)
        assert "\n" not in str(caught.value)


def test_weights_that_are_not_finite_are_refused(images):
    module = ends()
    with torch.no_grad():
        module.encoder[0].weight[0, -1] = torch.nan  # of a pixel without ink
    with pytest.raises(dasbe.InputError, match="weights that are not finite"):
        dasbe.bind(images, module, **OPTIONS)


def test_an_inner_layer_that_overflows_is_refused(images):
    overflows = Layer(lambda x: x if len(x) < DELAY else x * torch.inf)  # in the loop, not when it is tried
    with pytest.raises(dasbe.InputError, match="values that are not finite"):
        dasbe.bind(images, ends(latent=(nn.Sigmoid(), overflows)), **OPTIONS)


def test_a_network_may_be_used_from_several_threads(images):
    """Flags are put back by the last one out, and process-wide settings as well."""
    module = in_train_mode(ends(nn.Dropout(0.5)))
    expected = dasbe.bind(images, module, **OPTIONS).spikes
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    before = torch.get_num_threads(), getattr(matmul, "fp32_precision", None)
    found = []

    def run():
        for _ in range(5):
            found.append(dasbe.bind(images, module, **OPTIONS).spikes)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20 and all((spikes == expected).all() for spikes in found)
    assert all(part.training for part in module.modules())
    assert (torch.get_num_threads(), getattr(matmul, "fp32_precision", None)) == before


class OwnCall(nn.Module):
    """An encoder and a decoder, and a call of its own, `call(parts, x)`."""

    def __init__(self, call):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, 12), nn.Sigmoid())
        self.decoder = nn.Sequential(nn.Linear(12, PIXELS), nn.Sigmoid())
        self.call = call

    def forward(self, x):
        return self.call(self, x)


DOES_MORE = {
    "a normalised code": lambda net, x: net.decoder(nn.functional.normalize(net.encoder(x)) * 5),
    "another input": lambda net, x: net.decoder(net.encoder(2 * x - 1)),
    "a tuple": lambda net, x: (net.decoder(-net.encoder(x)), None),
    "images with a channel axis": lambda net, x: net.decoder(1 - net.encoder(x)).view(-1, 1, *SHAPE),
}
DOES_THE_SAME = {
    "the parts": lambda net, x: net.decoder(net.encoder(x)),
    "a tuple of them": lambda net, x: (net.decoder(net.encoder(x)), net.encoder(x)),
    "another call": lambda net, x, y: None,
    "a loss": lambda net, x: x.sum(),
    "random numbers in the code": lambda net, x: net.decoder(net.encoder(x) + 1e-4 * torch.rand(12)),
}


@pytest.mark.parametrize("call", DOES_MORE.values(), ids=DOES_MORE)
def test_a_call_of_its_own_is_not_passed_over(images, call):
    network = OwnCall(call)
    with pytest.raises(
        dasbe.InputError, match="network.x. is not what its decoder makes of its encoder's code: they dif"
    ):
        dasbe.bind(images, network, **OPTIONS)
    dasbe.bind(images, lambda x: network(x)[0] if isinstance(network(x), tuple) else network(x).flatten(1), **OPTIONS)


@pytest.mark.parametrize("call", DOES_MORE.values(), ids=DOES_MORE)
def test_training_trains_the_call_of_its_own(images, call, monkeypatch):
    monkeypatch.setattr("dasbe.train.denoising.BATCHES_PER_EPOCH", 20)
    network = OwnCall(lambda net, x: call(net, torch.sigmoid(net.between(x))))
    network.between = nn.Linear(PIXELS, PIXELS)
    before = network.between.weight.clone()
    trained = dasbe.train_network(images, dasbe.Recipe(epochs=3, batch=16), network=network, progress=False)
    first, *_, last = trained.description["history"]["training_loss"]
    assert trained is network and not torch.equal(before, network.between.weight) and last < first


@pytest.mark.parametrize("call", DOES_THE_SAME.values(), ids=DOES_THE_SAME)
def test_a_call_of_its_own_may_do_what_the_parts_do_or_something_else_altogether(images, call):
    dasbe.bind(images, OwnCall(call), **OPTIONS)


class Leaky(nn.Module):
    """A layer of neurons whose membranes stay from call to call."""

    def __init__(self):
        super().__init__()
        self.membrane = 0.0

    def forward(self, x):
        self.membrane = 0.9 * self.membrane + x.mean()
        return torch.sigmoid(x + self.membrane)


def test_a_layer_that_keeps_a_state_is_refused(images):
    network = OwnCall(DOES_THE_SAME["the parts"])
    network.encoder.append(Leaky())
    with pytest.raises(dasbe.InputError, match="a layer keeps a state; reset it in forward"):
        dasbe.bind(images, network, **OPTIONS)


def test_a_trial_leaves_the_random_numbers_alone(images):
    network, before = OwnCall(DOES_THE_SAME["random numbers in the code"]), torch.get_rng_state()
    dasbe.bind(images, network, delay=13, refractory=3, cycles=1)
    dasbe.load_network("shapes")
    dasbe.autoencoder([np.ones((9, 2)), np.zeros(2), np.ones((2, 9)), np.zeros(9)])
    assert torch.equal(before, torch.get_rng_state())
