"""Network files: what is saved is what is loaded, and nothing in a file is executed."""

import json
import pickle

import hostile
import numpy as np
import pytest
import torch

import dasbe
from dasbe.ann.architecture import ACTIVATIONS, Architecture
from dasbe.ann.autoencoder import ACTIVATION_LAYERS, Autoencoder, SpikeWithSurrogate
from dasbe.ann.weights import save_network, weights_hash
from dasbe.support.paths import network_folder

pytestmark = pytest.mark.quick

HOSTILE = {  # what a file is like (tests/hostile.py), and what is said of it
    "a million layers": "number of hidden layers is 299999; it must be a whole number of at most 100",
    "expanded weights": "it holds fewer weights than it says",
    "one storage, all layers": "it holds fewer weights than it says",
    "8 GB of bytes": "was not loaded",
    "8 GB of a tensor": "was not loaded",
    "a punycode": "was not loaded",
    "a stack global": "was not loaded",
    "a long pickle": "was not loaded",
    "parts that overlap": "was not loaded",
    "compressed": "was not loaded",
}
SHIPPED = sorted(path.stem for path in network_folder().glob("*.pt"))


def test_saved_and_loaded(tmp_path, random_network):
    network = random_network(spiking=True)
    save_network(tmp_path / "mine.pt", network, {"name": "mine", "note": "ℓ"})
    loaded = dasbe.load_network(tmp_path / "mine.pt")
    assert loaded.architecture == network.architecture and loaded.spiking_latent
    x = torch.rand(3, 784)
    torch.testing.assert_close(loaded.decoder(loaded.encoder(x)), network.decoder(network.encoder(x)))
    assert loaded.description["note"] == json.loads((tmp_path / "mine.json").read_text())["note"] == "ℓ"


def test_published_arrays_become_a_network_of_the_same_function(rng):
    """From x @ W + b of NumPy, from W @ x + b, and from the state_dict of a module of linear layers."""
    widths = (12, 7, 5, 7, 12)
    layers = [(rng.normal(size=(n_in, n_out)), rng.normal(size=n_out)) for n_in, n_out in zip(widths, widths[1:])]
    x = rng.random((4, 12))
    hidden = np.tanh(x @ layers[0][0] + layers[0][1])
    code = np.maximum(hidden @ layers[1][0] + layers[1][1], 0)
    hidden = np.tanh(code @ layers[2][0] + layers[2][1])
    expected = 1 / (1 + np.exp(-(hidden @ layers[3][0] + layers[3][1])))

    in_out = [part for layer in layers for part in layer]
    out_in = [part.T for part in in_out]
    parts = [(f"{i}.{kind}", part) for i in range(4) for kind, part in zip(("weight", "bias"), out_in[2 * i :])]
    for weights in (in_out, out_in, {name: torch.from_numpy(part.copy()) for name, part in parts}):
        network = dasbe.autoencoder(weights, (3, 4), activation="tanh", latent_activation="relu")
        y, latent = network(torch.from_numpy(x).float())
        np.testing.assert_allclose(y.detach(), expected, atol=1e-5)
        np.testing.assert_allclose(latent.detach(), code, rtol=1e-4, atol=1e-5)
        assert network.architecture == Architecture((3, 4), (7,), 5, "tanh", "relu") and not network.training
    trained = dasbe.load_network("shapes")
    again = dasbe.autoencoder(trained.state_dict())
    assert again.architecture == trained.architecture
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), trained.state_dict().values()))


def test_output_and_latent_have_the_documented_shapes(random_network):
    y, latent = random_network()(torch.rand(5, 784))
    assert y.shape == (5, 784) and latent.shape == (5, 60)
    assert 0 <= y.min() and y.max() <= 1


def test_spiking_latent_fires_at_the_rate_of_its_drive():
    network = Autoencoder(Architecture((2, 2), (), 3, latent_activation="sigmoid", spiking=True))
    with torch.no_grad():
        network.encoder[0].weight.zero_()
        network.encoder[0].bias.copy_(torch.logit(torch.tensor([0.1, 0.5, 0.9])))
        _, latent = network(torch.zeros(20000, 4), torch.Generator().manual_seed(0))
    np.testing.assert_allclose(latent.mean(0), [0.1, 0.5, 0.9], atol=0.02)


def test_surrogate_gradient_is_one_near_the_threshold():
    excess = torch.tensor([-0.7, -0.4, 0.0, 0.4, 0.7], requires_grad=True)
    spikes = SpikeWithSurrogate.apply(excess)
    spikes.sum().backward()
    assert spikes.tolist() == [0, 0, 0, 1, 1]
    assert excess.grad.tolist() == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_load_and_are_described(name):
    network = dasbe.load_network(name)
    assert network.description == json.loads((network_folder() / f"{name}.json").read_text(encoding="utf-8"))
    assert network.description["recipe"]["dataset"] and 0 < network.description["held_out_ami"]["mean"] <= 1


class TestBadInput:
    def test_missing(self):
        with pytest.raises(dasbe.MissingFileError, match="network 'circles' is not there .*python -m dasbe.train"):
            dasbe.load_network("circles")

    @pytest.mark.parametrize(
        "content",
        [b"", b"not a network", b"PK\x03\x04 half a zip", pickle.dumps({"weights": 1})],
        ids=["empty", "text", "truncated", "pickle"],
    )
    def test_not_a_network(self, tmp_path, content):
        (tmp_path / "x.pt").write_bytes(content)
        with pytest.raises(dasbe.FileContentError, match="x.pt was not loaded: it is damaged.* train a network with"):
            dasbe.load_network(tmp_path / "x.pt")

    def test_truncated(self, tmp_path, random_network):
        save_network(tmp_path / "x.pt", random_network(), {})
        content = (tmp_path / "x.pt").read_bytes()
        (tmp_path / "x.pt").write_bytes(content[: len(content) // 2])
        with pytest.raises(dasbe.FileContentError):
            dasbe.load_network(tmp_path / "x.pt")

    def test_other_weights_than_described(self, tmp_path, random_network):
        torch.save({"description": '{"architecture": {"image_shape": [2, 2], "hidden": [], "latent": 3}}',
                    "weights": random_network().state_dict()}, tmp_path / "x.pt")  # fmt: skip
        with pytest.raises(dasbe.FileContentError):
            dasbe.load_network(tmp_path / "x.pt")

    def test_code_is_not_executed(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "executed"), "w"))

        torch.save({"description": Evil(), "weights": {}}, tmp_path / "x.pt")
        with pytest.raises(dasbe.FileContentError, match="carries code"):
            dasbe.load_network(tmp_path / "x.pt")
        assert not (tmp_path / "executed").exists()

    def test_weights_of_torch_save_are_named(self, tmp_path, random_network, monkeypatch):
        monkeypatch.chdir(tmp_path)
        weights = random_network().state_dict()
        for content, where in ((weights, ""), ({"epoch": 3, "model": weights}, "['model']")):
            torch.save(content, "w.pth")
            with pytest.raises(
                dasbe.FileContentError, match="weights of torch.save, no network of dasbe; take dasbe"
            ) as refusal:
                dasbe.load_network("w.pth")
            assert str(refusal.value).endswith(f"dasbe.autoencoder(torch.load('w.pth', weights_only=True){where})")
            assert dasbe.autoencoder(torch.load("w.pth", weights_only=True)["model"] if where else weights)

    @pytest.mark.parametrize("name", ["x.pth", "./x.pth", "./x", "x", "sub/x"])
    def test_a_file_that_is_there_is_found_whatever_its_name(self, tmp_path, random_network, monkeypatch, name):
        monkeypatch.chdir(tmp_path)
        save_network("x.pt", random_network(), {})
        (tmp_path / "sub").mkdir()
        (tmp_path / "x.pt").rename(name)
        assert dasbe.load_network(name).description
        with pytest.raises(dasbe.InputError, match="sub is a folder; give the path of a file"):
            dasbe.load_network("./sub")

    @pytest.mark.parametrize("what", HOSTILE)
    def test_what_would_take_more_than_the_file_has_is_refused_before(self, tmp_path, what):
        hostile.TENSORS[what](tmp_path / "x.pt")
        with pytest.raises(dasbe.FileContentError, match=HOSTILE[what]):
            dasbe.load_network(tmp_path / "x.pt")

    def test_weights_that_share_their_numbers_are_saved_apart(self, tmp_path, random_network):
        network = random_network()
        network.decoder[2].weight = torch.nn.Parameter(network.encoder[0].weight.detach().view(784, 50))
        save_network(tmp_path / "x.pt", network, {})
        assert torch.equal(dasbe.load_network(tmp_path / "x.pt").decoder[2].weight, network.decoder[2].weight)

    def test_architecture(self):
        assert set(ACTIVATIONS) == ACTIVATION_LAYERS.keys()
        with pytest.raises(dasbe.InputError, match="activation 'sin' is unknown"):
            Architecture((4, 4), (), 3, activation="sin")
        with pytest.raises(dasbe.InputError, match="at least 1"):
            Architecture((4, 4), (0,), 3)


class TestBindRefuses:
    """Every argument of bind that can be wrong, named with its value and the remedy."""

    images = np.zeros((2, 28, 28), np.uint8)

    def _raises(self, match, images=None, network=None, random_network=None, **changes):
        options = {"delay": 8, "refractory": 2, "cycles": 3, **changes}
        images = self.images if images is None else images
        with pytest.raises(dasbe.InputError, match=match) as caught:
            dasbe.bind(images, network or random_network(), **options)
        assert "\n" not in str(caught.value)

    def test_numbers(self, random_network):
        wrong = (("delay", 0), ("cycles", 0), ("delay", 2.5), ("seed", -3), ("last", 0))
        for name, value in wrong:
            match = f"{name} is {value}; it must be a whole number"
            self._raises(match, random_network=random_network, **{name: value})
        self._raises("last is 4, more than the 3 cycles", random_network=random_network, last=4)
        for value in (-1, 128):
            match = f"refractory is {value}; it must be from 0 to 127"
            self._raises(match, random_network=random_network, refractory=value)
        self._raises("refractory is 2.5; it must be a whole", random_network=random_network, refractory=2.5)
        wrong_shape = np.zeros((2, 2), int)
        self._raises(r"refractory has shape \(2, 2\)", random_network=random_network, refractory=wrong_shape)
        films = np.ones((2, 4, 28, 28), np.uint8)
        self._raises("cycles is 3, but the films have 4 frames, one a cycle", films, random_network=random_network)
        self._raises(r"they must be \(N, cycles, H, W\)", films[:, :0], random_network=random_network)
        self._raises("spike_loss is 1.5; it must be a probability", random_network=random_network, spike_loss=1.5)

    def test_images(self, random_network):
        def refuse(images, match):
            self._raises(match, images=images, random_network=random_network)

        refuse(self.images[0], r"images have shape \(28, 28\)")
        refuse(self.images + 0.5, r"images\[0, 0, 0\] is 0.5; binarise")
        with_nan = self.images.astype(float)
        with_nan[1, 2, 3] = np.nan
        refuse(with_nan, r"images\[1, 2, 3\] is nan")
        refuse(self.images.astype(str), "type <U")
        match = r"network does not take images of 20×20 as \(2, 400\) floats .*; use one for images of this size"
        refuse(np.zeros((1, 20, 20)), match)

    def test_records_and_indices(self, random_network):
        self._raises("record names voltage; choose some of spikes", random_network=random_network, record=("voltage",))
        self._raises(r"indices is \[1\]; indices must be 2 whole", random_network=random_network, indices=[1])
        self._raises("this network has no encoder", network=torch.zeros_like, record=("latents",))

    def test_networks(self):
        self._raises(r"network returns -2; all its values must lie in \[0, 1\]", network=lambda x: x - 2)
        self._raises(r"network returns nan; all its values must lie in \[0, 1\]", network=lambda x: x * torch.nan)
        self._raises("network is a str; it must be a module .* or a function", network="shapes")
        match = r"network returns an array of shape \(3, 783\) for 3 images of 784 pixels; it must be \(3, 784\)"
        self._raises(match, network=lambda x: x[:, :-1])


def test_the_hash_depends_on_weights_and_architecture():
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.1, (9, 4)), np.zeros(4), rng.normal(0, 0.1, (4, 9)), np.zeros(9)]
    others = [[weights[0] * 1.01, *weights[1:]], weights, weights, weights]
    options = [{}, {"latent_activation": "tanh"}, {"spiking": True}, {"image_shape": (1, 9)}]
    hashes = {weights_hash(dasbe.autoencoder(w, **more)) for w, more in zip([weights, *others], [{}, *options])}
    assert len(hashes) == 5 and weights_hash(dasbe.autoencoder(weights)) in hashes
