"""K-means, average linkage and grouping, against scikit-learn and on cases whose answer is known."""

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score
from threadpoolctl import threadpool_limits

import dasbe
from dasbe.binding.kmeans import kmeans, n_trials
from dasbe.binding.linkage import average_linkage
from dasbe.binding.readout import smooth

pytestmark = pytest.mark.quick


def _run(points, weights, k, restarts=10, seed=0):
    uniforms = torch.rand((len(points), restarts, k, n_trials(k)), generator=torch.Generator().manual_seed(seed))
    return kmeans(torch.as_tensor(points), torch.as_tensor(weights), k, uniforms)


def _scikit_learns(points, k, weights=None):
    """The same by scikit-learn, whose threads wait for each other where cores are shared."""
    with threadpool_limits(limits=1):
        return KMeans(k, n_init=10, random_state=0).fit(points, sample_weight=weights)


def _inertia(points, weights, labels):
    total = 0.0
    for k in np.unique(labels):
        inside = labels == k
        centre = np.average(points[inside], axis=0, weights=weights[inside])
        total += (weights[inside, None] * (points[inside] - centre) ** 2).sum()
    return total


def test_kmeans_is_as_good_as_scikit_learn(rng):
    ours, theirs = [], []
    for k in (2, 4, 7):
        centres = rng.normal(size=(20, k, 5)) * 2
        points = (centres[:, rng.integers(0, k, 60)] + rng.normal(size=(20, 60, 5))).astype(np.float32)
        weights = rng.integers(1, 5, (20, 60)).astype(np.float32)
        labels, inertia = _run(points, weights, k)
        for i in range(20):
            reference = _scikit_learns(points[i], k, weights[i])
            theirs.append(reference.inertia_)
            ours.append(_inertia(points[i], weights[i], labels[i].numpy()))
            assert inertia[i] == pytest.approx(ours[-1], rel=1e-3)
    assert np.mean(np.divide(ours, theirs)) < 1.005


def test_points_of_weight_zero_do_not_count(rng):
    points = rng.normal(size=(1, 30, 4)).astype(np.float32)
    padded = np.concatenate([points, np.full((1, 12, 4), 50, np.float32)], axis=1)
    weights = np.ones((1, 30), np.float32)
    padded_weights = np.concatenate([weights, np.zeros((1, 12), np.float32)], axis=1)
    labels, inertia = _run(points, weights, 4)
    labels_padded, inertia_padded = _run(padded, padded_weights, 4)
    assert inertia_padded[0] == pytest.approx(inertia[0].item(), rel=1e-5)
    assert adjusted_rand_score(labels[0], labels_padded[0, :30]) == 1


def test_a_heavy_point_is_many_points(rng):
    points = rng.normal(size=(1, 20, 3)).astype(np.float32)
    copies = np.concatenate([points, np.repeat(points[:, :1], 9, axis=1)], axis=1)
    weights = np.ones((1, 20), np.float32)
    weights[0, 0] = 10
    heavy, _ = _run(points, weights, 3, restarts=40)
    many, _ = _run(copies, np.ones((1, 29), np.float32), 3, restarts=40)
    assert adjusted_rand_score(heavy[0], many[0, :20]) == 1


def test_fewer_distinct_points_than_clusters():
    points = np.repeat(np.eye(3, dtype=np.float32)[None], 4, axis=1)
    labels, inertia = _run(points, np.ones((1, 12), np.float32), 6)
    assert inertia[0] == pytest.approx(0, abs=1e-5)
    assert len(np.unique(labels[0])) == 3


def _synchronous(rng, n_objects=3, jitter=0.1):
    """Spikes of objects that fire at times of their own, and the truth."""
    truth = np.zeros((8, 8), int)
    for k in range(n_objects):
        truth[2 * k : 2 * k + 2, 1:7] = k + 1
    spikes = np.zeros((1, 12, 9, 8, 8), bool)
    for k in range(n_objects):
        late = rng.random((12, (truth == k + 1).sum())) < jitter
        for cycle in range(12):
            rows, columns = np.nonzero(truth == k + 1)
            spikes[0, cycle, 3 * k + late[cycle], rows, columns] = True
    return spikes, truth


def test_group_finds_objects_that_fire_in_turn(rng):
    spikes, truth = _synchronous(rng)
    labels = dasbe.group(spikes, 4)
    assert adjusted_mutual_info_score(truth.ravel(), labels.ravel()) == pytest.approx(1)
    assert (labels[0][truth == 0] == 0).all()  # the silent pixels are group 0
    np.testing.assert_array_equal(labels[0], truth)  # the others are numbered along the rows


def test_group_takes_a_number_for_each_image(rng):
    spikes = np.concatenate([_synchronous(rng, n)[0] for n in (1, 2, 3)])
    labels = dasbe.group(spikes, [2, 3, 4])
    assert labels.max((1, 2)).tolist() == [1, 2, 3]
    np.testing.assert_array_equal(labels[2], dasbe.group(spikes[2:], 4, indices=[2])[0])


def test_grouping_of_real_runs_agrees_with_scikit_learn_on_all_pixels(shapes, trained):
    """One weighted point for all silent pixels gives what all pixels give one by one."""
    images, groups = shapes[0][:12], shapes[1][:12]
    spikes = dasbe.bind(images, trained, delay=32, refractory=9, cycles=15, last=10, seed=2).spikes
    n_groups = groups.max((1, 2)).astype(int) + 1
    labels = dasbe.group(spikes, n_groups)
    ratios, scores = [], []
    for i, k in enumerate(n_groups):
        points = smooth(spikes[i].reshape(-1, 784)).T
        reference = _scikit_learns(points, k)
        ratios.append(_inertia(points, np.ones(784), labels[i].ravel()) / reference.inertia_)
        scores.append(dasbe.ami(groups[i : i + 1], reference.labels_.reshape(1, 28, 28))[0])
    assert np.mean(ratios) < 1.005
    assert abs(dasbe.ami(groups, labels).mean() - np.mean(scores)) < 0.03


def test_real_values_that_hardly_differ_are_told_apart(rng):
    """Pixels of large, almost equal values: their distances are lost in the rounding of float32."""
    truth = np.repeat(np.arange(1, 5), 16).reshape(8, 8)
    values = np.ones((1, 10, 28, 8, 8), np.float32)
    values += 1e-4 * rng.standard_normal((10, 28, 5), np.float32)[..., truth]
    assert adjusted_mutual_info_score(truth.ravel(), dasbe.group(values, 4).ravel()) == pytest.approx(1)


def test_average_linkage_equals_scipys(rng):
    for n in (1, 2, 3, 50):
        points = rng.random((n, 4))
        distances = np.linalg.norm(points[:, None] - points, axis=2)
        joined, heights = average_linkage(distances)
        tree = linkage(squareform(distances, checks=False), "average") if n > 1 else np.zeros((0, 4))
        np.testing.assert_allclose(heights, tree[:, 2], rtol=1e-12)
        for k in range(1, n + 1):  # clusters: joint by joint, the same partition
            labels = np.arange(n)
            for a, b in joined[: n - k]:
                labels[labels == labels[a]] = labels[b]
            assert adjusted_rand_score(labels, cut_tree(tree, k).ravel() if n > 1 else [1]) == 1


@pytest.mark.parametrize("n_objects", (1, 2, 3))
def test_the_number_of_objects_is_found(rng, n_objects):
    spikes, truth = _synchronous(rng, n_objects)
    np.testing.assert_array_equal(dasbe.group(spikes)[0], truth)
    np.testing.assert_array_equal(dasbe.group(spikes), dasbe.group(spikes, n_objects + 1))
    np.testing.assert_array_equal(dasbe.group(spikes.astype(float)), dasbe.group(spikes))


def test_pixels_without_order_are_one_group_and_silent_ones_none(rng):
    spikes = rng.random((3, 20, 30, 12, 12)) < 0.1
    spikes[1, ..., :5, :] = False
    spikes[2] = False
    labels = dasbe.group(spikes)
    assert labels.max((1, 2)).tolist() == [1, 1, 0]
    assert (labels[0] == 1).mean() > 0.95 and (labels[1, 5:] == 1).mean() > 0.95 and not labels[1, :5].any()


def test_a_few_pixels_are_a_group_only_among_few():
    """Of 4 pixels, an object is found beside another of 8, and not beside one of 60; then it is no part of that."""
    spikes = np.zeros((2, 10, 12, 8, 9), bool)
    spikes[:, :, ::6, 0, :4] = True
    spikes[0, :, 3::6, 1, :8] = spikes[1, :, 3::6, 1:8, :] = True
    labels = dasbe.group(spikes)
    assert set(labels[0, 0, :4]) == {1} and set(labels[0, 1, :8]) == {2}
    assert not labels[1, 0].any() and (labels[1, 1:] == 1).all()


def test_what_is_found_does_not_depend_on_batch_order_place_or_threads(rng, shapes, trained):
    run = dasbe.bind(shapes[0][:6], trained, delay=32, refractory=9, cycles=20, seed=4)
    labels, threads = dasbe.group(run), torch.get_num_threads()
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            np.testing.assert_array_equal(dasbe.group(run), labels)
            np.testing.assert_array_equal(dasbe.group(run.spikes[3:5]), labels[3:5])
    finally:
        torch.set_num_threads(threads)
    order = rng.permutation(28 * 28)
    moved = run.spikes.reshape(6, 20, 32, -1)[..., order].reshape(run.spikes.shape)
    for found, mixed in zip(labels, dasbe.group(moved)):
        assert adjusted_rand_score(found.ravel()[order], mixed.ravel()) == 1


def test_a_number_that_is_found_does_about_as_well_as_one_that_is_told(shapes, trained):
    images, groups = shapes
    run = dasbe.bind(images, trained, delay=32, refractory=9, seed=4, last=20)
    told, found = dasbe.group(run, groups.max((1, 2)).astype(int) + 1), dasbe.group(run)
    assert dasbe.ami(groups, found).mean() > dasbe.ami(groups, told).mean() - 0.05
    assert np.mean(found.max((1, 2)) == groups.max((1, 2))) > 0.6


def test_smoothing():
    spikes = np.array([[1, 0], [0, 0], [1, 1], [1, 0]], bool)
    np.testing.assert_array_equal(smooth(spikes), [[1, 0], [0.5, 0], [1, 1], [1.5, 0.5]])


def test_align_gives_groups_the_numbers_of_their_objects():
    groups = np.array([[1, 1, 2, 2, 3, 3, 0]])
    labels = np.array([[3, 3, 1, 1, 2, 2, 0]])
    np.testing.assert_array_equal(dasbe.align(labels, groups), groups)
    batch = np.array([labels, groups]), np.array([groups, labels])
    np.testing.assert_array_equal(dasbe.align(*batch), batch[1])  # each image by itself
    np.testing.assert_array_equal(dasbe.align(np.array([[3, 1, 1, 0]]), np.array([[0, 2, 2, 0]]))[0, 1:], [2, 2, 0])


def test_ami_equals_scikit_learn(rng):
    for _ in range(300):
        side, n_objects, n_clusters = rng.integers([2, 1, 1], [16, 7, 9])
        groups = rng.integers(0, n_objects + 1, (1, side, side))
        groups[0, 0, 0] = 1
        clusters = rng.integers(0, n_clusters, groups.shape)
        labels = np.where(rng.random(groups.shape) < rng.random(), groups, clusters)
        true, found = groups[groups > 0], labels[groups > 0]
        alone = len(true) == len(np.unique(true)) == len(np.unique(found))
        expected = 1 if alone else adjusted_mutual_info_score(true, found)  # before 1.7, scikit-learn says 0 to some
        assert dasbe.ami(groups, labels)[0] == pytest.approx(expected, abs=1e-9)


def test_ami_leaves_out_background_and_overlap():
    groups = np.array([[[0, 1, 1, 2, 2, 0]], [[0, 0, 0, 0, 0, 0]]])
    labels = np.array([[[7, 3, 3, 4, 4, 9]], [[0, 1, 2, 3, 4, 5]]])
    scores = dasbe.ami(groups, labels)
    assert scores[0] == pytest.approx(1) and np.isnan(scores[1])


class TestBadInput:
    spikes = np.zeros((2, 3, 4, 5, 5), bool)

    def test_group(self):
        with pytest.raises(dasbe.InputError, match=r"spikes have shape \(3, 4, 5, 5\)"):
            dasbe.group(self.spikes[0], 2)
        for message, n_groups in (
            ("is 0; it must be a whole number of at least 1", 0),
            ("is 26; it must be a whole number from 1 to 25", [2, 26]),
            ("is 2.5; it must be a whole number", 2.5),
            ("is of type float64; it must be a whole number", [2.0, 3.0]),
            (r"has shape \(3,\); it must be one number, or 2 of them", [2, 2, 2]),
        ):
            with pytest.raises(dasbe.InputError, match=f"n_groups {message}"):
                dasbe.group(self.spikes, n_groups)

    def test_ami(self):
        with pytest.raises(dasbe.InputError, match="same shape"):
            dasbe.ami(np.zeros((1, 4, 4)), np.zeros((1, 4, 5)))


@pytest.mark.parametrize("in_phase, label", ((0, 0), (4, 0), (7, 1), (10, 1)))
def test_ink_out_of_phase_joins_the_background_if_the_number_is_told(in_phase, label):
    """Of ten spikes, one a cycle, so many are in the step of the object: less than half are too few."""
    spikes = np.zeros((1, 10, 12, 3, 40), bool)
    spikes[0, :, 0, 0, :20] = spikes[0, :, 6, 1, :20] = True
    spikes[0, :, 0, 0, 0], spikes[0, :, 3, 0, 0] = np.arange(10) < in_phase, np.arange(10) >= in_phase
    labels = dasbe.group(spikes, 3)[0]
    assert labels[0, 0] == label
    assert (labels[0, 1:20] == labels[0, 1]).all() and (labels[1, :20] == labels[1, 0]).all() and not labels[2].any()
    assert 0 != labels[0, 1] != labels[1, 0] != 0


@pytest.mark.parametrize("n_groups, read", [(3, 10), (None, 20)])
def test_the_last_cycles_are_read(n_groups, read):
    """Rows fire together in the cycles that are read, columns in all before; the last row is background."""
    spikes = np.zeros((1, 25, 12, 7, 6), bool)
    for half in (slice(0, 3), slice(3, 6)):
        step = 2 + 5 * (half.start > 0)
        spikes[0, :, step, half, :] = True
        spikes[0, :-read, step, half, :] = False
        spikes[0, :-read, step, :6, half] = True
    rows, columns = (np.zeros((7, 6), int) for _ in range(2))
    rows[:6], columns[:6] = np.repeat([1, 2], 3)[:, None], np.repeat([1, 2], 3)
    np.testing.assert_array_equal(dasbe.group(spikes, n_groups)[0], rows)
    np.testing.assert_array_equal(dasbe.group(spikes[:, :-read], n_groups)[0], columns)
    assert (dasbe.group(spikes, n_groups, last=read)[0] == rows).all()
