"""Measures of spike trains, against independent libraries and on cases whose answer is known."""

import time
import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, silhouette_score

import dasbe
from dasbe.experiments.figure2 import phase_colours
from dasbe.metrics import (
    autocorrelation,
    cross_correlation,
    cycle_scores,
    silhouette,
    synchrony_matrix,
    victor_purpura_distances,
)
from dasbe.plotting.raster import correlogram
from dasbe.support import checks

pytestmark = pytest.mark.quick


def elephant_distances(spikes, q):
    """The same by elephant, with one step = 1 s."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neo
        import quantities
        from elephant.spike_train_dissimilarity import victor_purpura_distance

        second, end = quantities.s, max(len(spikes), 1)
        trains = [neo.SpikeTrain(np.flatnonzero(train) * second, t_stop=end * second) for train in spikes.T]
        return victor_purpura_distance(trains, cost_factor=q * quantities.Hz, sort=False)


def random_trains(rng, n, steps=54, most=8):
    spikes = np.zeros((steps, n), bool)
    for train in spikes.T:
        train[rng.choice(steps, rng.integers(0, most + 1), replace=False)] = True
    return spikes


@pytest.mark.parametrize("q", [0, 1 / 6, 1 / 3, 1, 5])
def test_victor_purpura_equals_elephants(rng, q):
    spikes = random_trains(rng, 40)
    spikes[:, :5] = False  # empty trains
    spikes[:, 5:10] = np.eye(54, dtype=bool)[:, rng.integers(0, 54, 5)]  # single spikes
    spikes[:, 10:15] = spikes[:, 15:20]  # identical ones
    distances = victor_purpura_distances(spikes, q)
    np.testing.assert_allclose(distances, elephant_distances(spikes, q), atol=1e-9)


def test_victor_purpura_at_infinite_q_is_its_limit(rng):
    """Beyond q = 2 / step no spike is worth moving, since deleting and inserting it costs 2."""
    spikes = random_trains(rng, 40)
    np.testing.assert_array_equal(victor_purpura_distances(spikes, np.inf), victor_purpura_distances(spikes, 5))


@pytest.mark.slow
def test_victor_purpura_of_400_trains_equals_elephants_and_is_much_faster(rng):
    spikes = random_trains(rng, 400)
    victor_purpura_distances(spikes[:, :3], 1 / 6)  # compile
    started = time.perf_counter()
    distances = victor_purpura_distances(spikes, 1 / 6)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    expected = elephant_distances(spikes, 1 / 6)
    theirs = time.perf_counter() - started
    np.testing.assert_allclose(distances, expected, atol=1e-9)
    print(f"400 trains: {1000 * ours:.1f} ms, elephant {theirs:.1f} s, ratio {theirs / ours:.0f}")


def test_victor_purpura_is_a_metric(rng):
    distances = victor_purpura_distances(random_trains(rng, 30), 0.4)  # D
    assert (distances == distances.T).all() and (np.diag(distances) == 0).all() and (distances >= 0).all()
    detours = distances[:, :, None] + distances[None]  # [i, j, k]: D[i, j] + D[j, k]
    assert (distances[:, None] <= detours + 1e-12).all()  # D[i, k]


def test_victor_purpura_of_no_spikes_and_no_trains():
    assert victor_purpura_distances(np.zeros((5, 3), bool), 0.5).tolist() == np.zeros((3, 3)).tolist()
    assert victor_purpura_distances(np.zeros((5, 0), bool), 0.5).shape == (0, 0)


def test_class_numbers_are_refused_where_they_count(rng):
    spikes = rng.random((2, 9, 4, 4)) < 0.3
    groups = np.repeat([[1, 1, 4, 7]], 4, axis=0)
    with pytest.raises(dasbe.InputError, match=r"groups hold \[1, 4, 7\], which are 3 objects, as class numbers do"):
        cycle_scores(spikes, groups)
    hidden = np.where(groups == 4, 2, np.where(groups == 7, 4, groups))  # 1, 2 and 4: the third object may be hidden
    assert cycle_scores(spikes, hidden).keys() == {"synchrony", "rate", "clustering"}


def test_tables_of_pairs_that_do_not_fit_into_memory_are_refused(rng, monkeypatch):
    spikes, numbers = rng.random((2, 9, 40, 40)) < 0.3, np.arange(1, 1601).reshape(40, 40)
    monkeypatch.setattr(checks, "available_bytes", lambda: 10**7)
    for call in (
        lambda: synchrony_matrix(spikes, np.ones_like(numbers)),
        lambda: victor_purpura_distances(spikes[0].reshape(9, -1), 0.3),
        lambda: dasbe.align(numbers, numbers.T),
        lambda: dasbe.ami(numbers[None], numbers.T[None]),
        lambda: dasbe.mbo(numbers[None], numbers.T[None]),
    ):
        with pytest.raises(dasbe.InputError, match="a table of 1600×1600 .* would take 81.9 MB, and 10.0 MB"):
            call()


def test_silhouette_equals_scikit_learns(rng):
    for _ in range(20):
        points = rng.normal(size=(30, 3))
        labels = rng.integers(0, 4, 30)
        labels[0] = 9  # alone in its cluster
        distances = np.linalg.norm(points[:, None] - points, axis=2)
        expected = silhouette_score(distances, labels, metric="precomputed")
        assert silhouette(distances, labels) == pytest.approx(expected)


def test_silhouette_needs_two_clusters_and_more_points_than_clusters():
    assert np.isnan(silhouette(np.zeros((3, 3)), np.zeros(3)))
    assert np.isnan(silhouette(1 - np.eye(3), np.arange(3)))


@pytest.mark.parametrize("wrong", [np.eye(4), -1 + np.eye(4), np.triu(np.ones((4, 4)), 1)])
def test_silhouette_takes_no_similarities(wrong):
    with pytest.raises(dasbe.InputError, match="distances must be symmetric, at least 0, and 0 on the diagonal"):
        silhouette(wrong, np.array([0, 0, 1, 1]))


# scores of a grouping


@pytest.fixture
def groupings(rng):
    """Ground truth and clusters (200, 6, 7) of every kind: few and many labels, alike and not, one label, none."""
    groups, labels = (np.array([rng.integers(0, k, (6, 7)) for k in rng.integers(1, 9, 200)]) for _ in range(2))
    labels[:60] = groups[:60] * 3
    labels[20:60][rng.random((40, 6, 7)) < 0.2] = 7
    return groups, labels


@pytest.mark.parametrize("normalisation", ["arithmetic", "max"])
def test_ami_equals_scikit_learns(groupings, normalisation):
    scores = dasbe.ami(*groupings, normalisation)
    for score, truth, found in zip(scores, *groupings):
        inside = truth > 0
        assert np.isnan(score) == (not inside.any())
        if inside.any():
            expected = adjusted_mutual_info_score(truth[inside], found[inside], average_method=normalisation)
            assert score == pytest.approx(expected, abs=1e-9)
    assert 20 < (scores > 0.3).sum() < 150 and np.isnan(scores).any() and (scores == 1).any()


def test_the_larger_entropy_gives_lower_scores(groupings):
    by_mean, by_larger = dasbe.ami(*groupings), dasbe.ami(*groupings, "max")
    positive = by_mean > 1e-9
    assert (by_larger[positive] <= by_mean[positive] + 1e-12).all() and (by_larger < by_mean - 0.01).any()


def test_ari_equals_scikit_learns(groupings):
    scores = dasbe.ari(*groupings)
    for score, truth, found in zip(scores, *groupings):
        inside = truth > 0
        assert np.isnan(score) == (not inside.any())
        if inside.any():
            assert score == pytest.approx(adjusted_rand_score(truth[inside], found[inside]), abs=1e-12)
    assert 20 < (scores > 0.3).sum() < 150 and np.isnan(scores).any() and (scores == 1).any()


def test_mbo_is_the_mean_of_the_best_overlaps(groupings, rng):
    groups, labels = groupings
    images = ((groups > 0) | (rng.random(groups.shape) < 0.5)).astype(int)
    for given in (None, images):
        for score, truth, found, image in zip(dasbe.mbo(groups, labels, given), groups, labels, images):
            counted = np.ones(truth.shape, bool) if given is None else ~((image == 1) & (truth == 0))
            best = []
            for k in np.unique(truth[truth > 0]):
                a = (truth == k) & counted
                overlaps = [(a & (found == c)).sum() / (a | ((found == c) & counted)).sum() for c in np.unique(found)]
                best.append(max(overlaps))
            assert np.isnan(score) if not best else score == pytest.approx(np.mean(best))


def test_mbo_is_lower_where_groups_spill_over():
    groups = np.array([[[1, 1, 2, 2, 0, 0]]])
    for labels, images, expected in (
        ([2, 2, 5, 5, 0, 0], None, 1),
        ([2, 2, 5, 5, 5, 5], None, 0.75),  # into the background
        ([2, 2, 5, 5, 5, 5], [1, 1, 1, 1, 1, 1], 1),  # where objects overlap
        ([1, 1, 1, 1, 0, 0], None, 0.5),
        ([0, 0, 0, 0, 0, 0], None, 1 / 3),
        ([1, 1, 0, 0, 0, 0], None, 0.75),  # the best cluster of the second is that of the background
    ):
        given = None if images is None else np.array([[images]])
        assert dasbe.mbo(groups, np.array([[labels]]), given)[0] == pytest.approx(expected)


def test_groups_found_are_labels_above_0():
    labels = np.array([[[0, 0, 0]], [[0, 2, 9]], [[1, 2, 3]], [[4, 4, 4]]])
    assert dasbe.n_found(labels).tolist() == [0, 2, 3, 1] and dasbe.n_found(labels).dtype == np.int64
    assert dasbe.n_found(labels[:0]).shape == (0,)


@pytest.fixture
def in_turn():
    """Two objects of 8 pixels that fire in turn, every 5 steps, in 4 cycles of 20 steps."""
    groups = np.zeros((4, 6), int)
    groups[0:2, 1:5], groups[2:4, 1:5] = 1, 2
    spikes = np.zeros((4, 20, 4, 6), bool)
    spikes[:, 0::10, groups == 1] = True
    spikes[:, 5::10, groups == 2] = True
    return spikes, groups


def test_scores_of_synchronous_objects(in_turn):
    scores = cycle_scores(*in_turn, q=1 / 3)
    np.testing.assert_allclose(scores["synchrony"], 1)
    np.testing.assert_allclose(scores["clustering"], 1)
    np.testing.assert_allclose(scores["rate"], 0)  # both fire equally often


def test_scores_grow_while_a_network_binds(shapes, trained):
    images, groups = shapes[0][:6], shapes[1][:6]
    spikes = dasbe.bind(images, trained, delay=32, refractory=9, cycles=20, seed=0).spikes
    synchrony = np.array([cycle_scores(s, g)["synchrony"] for s, g in zip(spikes, groups)])
    assert np.nanmean(synchrony[:, -3:]) > np.nanmean(synchrony[:, :2]) + 0.2


def test_synchrony_matrix_has_a_block_for_each_object(in_turn):
    matrix = synchrony_matrix(*in_turn)
    assert matrix.shape == (16, 16) and matrix.max() == 1
    assert (matrix[:8, :8] == 1).all() and (matrix[8:, 8:] == 1).all() and not matrix[:8, 8:].any()


def test_synchrony_matrix_follows_its_definition(rng):
    groups = rng.integers(0, 3, (5, 5))
    spikes = rng.random((3, 7, 5, 5)) < 0.3
    order = np.argsort(groups.ravel(), kind="stable")
    s = spikes[-2:].reshape(14, 25)[:, order[np.sort(groups.ravel()) > 0]].astype(float)
    later, earlier = np.zeros_like(s), np.zeros_like(s)
    later[1:], earlier[:-1] = s[:-1], s[1:]
    expected = 1.5 * s.T @ s + 0.5 * s.T @ later + 0.5 * s.T @ earlier
    np.testing.assert_allclose(synchrony_matrix(spikes, groups, last=2), expected / expected.max())


def test_cross_correlation_tells_when_groups_fire(in_turn):
    spikes, groups = in_turn
    values = cross_correlation(spikes, groups, max_lag=12)
    for k, own in enumerate(autocorrelation(spikes, groups, max_lag=12)):
        np.testing.assert_allclose(values[k, k], own)
    np.testing.assert_allclose(values, np.swapaxes(values, 0, 1)[..., ::-1])  # seen from the other group
    counts = np.array([spikes.reshape(-1, *groups.shape)[:, groups == k].sum(1) for k in (1, 2)], float)
    expected = counts[0, :-3] @ counts[1, 3:] / np.sqrt((counts[0] ** 2).sum() * (counts[1] ** 2).sum())
    assert values[0, 1, 12 + 3] == pytest.approx(expected)
    assert len(correlogram(values).axes) == len(values) ** 2
    silent = spikes & (groups != 2)
    assert (
        np.isnan(cross_correlation(silent, groups)[1]).all()
        and not np.isnan(cross_correlation(silent, groups)[0, 0]).any()
    )


def test_autocorrelation_peaks_at_the_period(in_turn):
    correlation = autocorrelation(*in_turn, max_lag=12)
    assert correlation.shape == (2, 25)
    lags = np.arange(-12, 13)
    for row in correlation:
        assert row[lags == 0] == 1 and set(lags[row > 0]) == {-10, 0, 10}
        np.testing.assert_allclose(row, row[::-1])


def test_phase_colours_tell_phases_apart(in_turn):
    spikes, groups = in_turn
    colours = phase_colours(spikes[0], refractory=4)
    assert colours.shape == (4, 6, 3) and not colours[groups == 0].any()
    first, second = colours[groups == 1], colours[groups == 2]
    assert (first == first[0]).all() and (second == second[0]).all() and np.abs(first[0] - second[0]).max() > 0.1


def test_bad_input(in_turn):
    spikes, groups = in_turn
    for arguments, match in (
        ((spikes[0], 0.5), r"spikes have shape \(20, 4, 6\)"),
        ((spikes[0, :, 0], -1), "q is -1; it must be a number of at least 0"),
        ((spikes[0, :, 0], np.nan), "q is nan; it must be a number of at least 0"),
    ):
        with pytest.raises(dasbe.InputError, match=match):
            victor_purpura_distances(*arguments)
    with pytest.raises(dasbe.InputError, match="must be .cycles, delay, H, W."):
        synchrony_matrix(spikes, groups[:2])
    with pytest.raises(dasbe.InputError, match="max_lag is 80; it must be from 0 to 79"):
        autocorrelation(spikes, groups, max_lag=80)
