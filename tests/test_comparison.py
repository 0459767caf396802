"""The comparison systems, against literal forms fed the same random numbers."""

import numpy as np
import pytest
import torch

import dasbe
from dasbe.comparison import reconstruction_clustering
from dasbe.comparison.reconstruction_clustering import initial_assignments


def test_reconstruction_clustering_equals_its_literal_form(shapes, random_network):
    network = random_network(dtype=torch.float64)
    images, n_groups = shapes[0][:3], 3
    labels = reconstruction_clustering(images, network, n_groups, iterations=4, seed=5)
    for i, image in enumerate(images):
        x = image.ravel()
        gamma = initial_assignments(n_groups, x.size, 5, i).astype(float)
        for _ in range(4):
            y = [network(torch.from_numpy(x * gamma[k])[None])[0][0].detach().numpy() for k in range(n_groups)]
            for pixel in range(x.size):
                p = [y[k][pixel] if x[pixel] else 1 - y[k][pixel] for k in range(n_groups)]
                gamma[:, pixel] = np.array(p) / sum(p)
        expected = np.where(x == 1, gamma.argmax(0) + 1, 0).reshape(image.shape)
        np.testing.assert_array_equal(labels[i], expected)


def test_reconstruction_clustering_groups_objects(shapes, trained):
    images, groups = shapes[0][:20], shapes[1][:20]
    labels = reconstruction_clustering(images, trained, 3)
    assert labels.shape == images.shape and ((labels > 0) == (images > 0)).all()
    assert np.nanmean(dasbe.ami(groups, labels)) > 0.6


def test_an_image_is_grouped_alike_in_any_batch(shapes, trained):
    together = reconstruction_clustering(shapes[0][:6], trained.double(), 3, seed=1)
    alone = reconstruction_clustering(shapes[0][4:5], trained.double(), 3, seed=1, indices=[4])
    trained.float()
    np.testing.assert_array_equal(together[4:5], alone)


def test_bad_input(shapes, trained):
    with pytest.raises(dasbe.InputError, match="n_groups is 0 and iterations 10; both must be at least 1"):
        reconstruction_clustering(shapes[0][:1], trained, 0)
    with pytest.raises(dasbe.InputError, match="indices must be 2 numbers"):
        reconstruction_clustering(shapes[0][:2], trained, 3, indices=[1])
