"""Learning from scenes of several objects, without labels: :func:`learn_from_scenes`."""

import hashlib
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus
from tqdm import tqdm

from dasbe.ann.network import computing_on, float_type
from dasbe.engine.colours import separated
from dasbe.engine.parallel import one_thread
from dasbe.evaluation.segment import segment
from dasbe.metrics import ami, n_found
from dasbe.support import PROCEDURE, checks
from dasbe.support.errors import InputError, InputWarning
from dasbe.support.progress import progress_bar
from dasbe.support.storage import provenance, save_tensors
from dasbe.systems import System, system_of
from dasbe.systems.base import code_hash
from dasbe.systems.competing_phases import Settings
from dasbe.train.corruption import draw_rates, switch
from dasbe.train.denoising import (
    answers,
    check_weights,
    corrupt,
    failure_in_one_line,
    finish,
    images_hash,
    initial_network,
    output_bias,
    random_numbers,
    restored,
    resumed,
    shapes_of,
    taken_over,
)
from dasbe.train.own import checked_network, facts
from dasbe.train.recipes import Recipe, SceneRecipe

if TYPE_CHECKING:
    from dasbe.ann.weights import Module

SURPLUS: dict[str, Any] = {"steps_per_phase": 1, "cycles": 30}  # of phases none of which falls silent
USUAL: dict[str, Any] = {"steps_per_phase": 1, "cycles": 20, "cycles_after_pruning": 10}
PROBE = 100  # scenes that are grouped in every round, to see what changes
SAME_GROUPING = 0.9  # least AMI of groupings of a scene that are called the same
FIRST_BIAS = -2.0  # of every output: most ink of a scene belongs to something else
BASE = (0.005, 0.99)  # least and largest probability b of ink that is always there, at first
UNSEEN_OF_FRAGMENT = 0.8  # most of a fragment that the network is not shown
LEAST_PROBABILITY = 1e-6  # of ink, and of none
FEWEST_SCENES = 20
FEWEST_GROUPS = 1.5  # mean number found in scenes of several objects
ROUND = ("loss", "groups", "changed")  # columns of the history of the rounds


@dataclass
class SceneState:
    """Content of a checkpoint.

    Attributes
    ----------
    rounds : int
        Rounds done, that of the fragments among them.
    weights : dict
    groups : Tensor or None
        Groups (M, H, W) of the scenes of the last round.
    probe : Tensor or None
        Groups (n, H, W) of the first scenes, by the network as it is now.
    history : list of rows with the columns `ROUND`
    seconds : float
        Duration of all rounds, including those before an interruption.
    """

    rounds: int
    weights: dict
    groups: Tensor | None = None
    probe: Tensor | None = None
    history: list[tuple[float, ...]] = field(default_factory=list)
    seconds: float = 0.0


def learn_from_scenes(
    scenes: Any,
    recipe: SceneRecipe | None = None,
    *,
    n_objects: Any = None,
    system: str | System | None = None,
    settings: Any = None,
    network: "Module | None" = None,
    seed: int | None = None,
    checkpoint: Path | str | None = None,
    device: torch.device | str = "cpu",
    after_round: Callable[[int, nn.Module], None] = lambda stage, network: None,
    progress: bool = True,
) -> "Module":
    r"""Learn a network from scenes of several objects: no single objects, no labels, no number.

    First the network is shown parts s of fragments: the ink near a random pixel of ink, each
    pixel with probability exp(−distance²/2σ²). Then, in every round, a system groups new
    scenes by what the network knows so far, and the network learns to restore each group
    from a part s of it, or with `walkback` from what fires of it after some rounds of the
    loop. No gradient passes through the grouping. With e = network(s), the probability of
    ink at each pixel, and b, which is learnt as well, that of ink whatever the group is, the
    loss of a pixel is

    - −log e, where there is ink of the group (or the fragment);
    - −λ log[1 − (1 − e)(1 − b)], where there is other ink;
    - −log[(1 − e)(1 − b)], where there is none.

    Other ink counts as ink, with less weight: what is always there with a group is
    predicted with it, so that an object that has been cut in two heals. In the last round
    the loss is the cross-entropy with the group alone, without b, since it takes a network
    that leaves other objects out to count them.

    Grouping, then learning by what was grouped, with the network as the model of a group,
    is the way of Tagger, of neural expectation maximisation (N-EM) and of GUST, in which
    the gradient does pass through the grouping.

    Parameters
    ----------
    scenes : (N, H, W) of 0 and 1
        Images as they are to be bound, of several objects each; a thousand can be enough. Of grey,
        (N, H, W), and colour, (N, 3, H, W), what differs from the commonest colour is ink.
    recipe : SceneRecipe, optional
        By default ``SceneRecipe()``.
    n_objects : int or (N,) int, optional
        How many objects each scene has, if that is known. By default no phase falls silent in
        the first rounds, and in the last ones the grouping counts.
    system : str or System, optional
        What groups the scenes, by default competing phases; with its `settings`, as for
        :func:`dasbe.segment`.
    network : nn.Module, optional
        A module of your own, trained in place from its present weights, as for
        :func:`dasbe.train_network`.
    seed, checkpoint, device, progress
        As for :func:`dasbe.train_network`; the checkpoint is written after every round.
    after_round : callable
        Called after every round with its number, 0 for that of the fragments, and the network
        as it is, to look at.

    Returns
    -------
    nn.Module
        The network, in evaluation mode. ``network.description`` says how it was made:
        ``"recipe"``, ``"images"`` (number, shape, SHA-256), ``"training_seconds"`` and
        ``"history"``, of every round the ``"loss"`` (nats per pixel), the mean number of
        ``"groups"`` found in the first scenes, and the share of these scenes whose grouping
        has ``"changed"`` since the round before.

    Raises
    ------
    InputError
        An argument is wrong, or learning diverged.

    Warns
    -----
    InputWarning
        Most scenes hold one group at the end, as images of single objects do; or scenes are grey.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> scenes, _ = dasbe.draw_scenes([np.ones((1, 8)), np.ones((8, 1))], (8, 8), count=100, objects=2)
    >>> recipe = dasbe.SceneRecipe(first_steps=5, rounds=1, steps=5)  # 500, 8 and 700 by default
    >>> network = dasbe.learn_from_scenes(scenes, recipe, progress=False)
    >>> labels = dasbe.segment(scenes, network, "competing_phases_counting", settings="bars")
    """
    recipe = SceneRecipe() if recipe is None else recipe
    checks.instance("recipe", recipe, SceneRecipe, "a dasbe.SceneRecipe, such as dasbe.SceneRecipe(rounds=4)")
    recipe = recipe if seed is None else replace(recipe, seed=checks.seed(seed))
    pictures = checks.pictures(scenes, "scenes")
    if pictures.dtype != np.uint8 and pictures.ndim == 3:
        text = "scenes are grey: what differs from the commonest grey is ink; dasbe.binarise parts bright from dark"
        warnings.warn(text, InputWarning, stacklevel=2)
    given, _ = separated(pictures, None, "none", None)
    scenes = _with_ink(given)
    device, progress = checks.device(device), checks.progress(progress)
    place = None if checkpoint is None else checks.new_file("checkpoint", checkpoint)
    if n_objects is not None:
        n_objects = checks.numbers_of_groups("n_objects", n_objects, len(given), given[0].size, least=0)
        n_objects = n_objects[given.any((1, 2))]
    grouping = _Grouping(recipe, None if system is None else system_of(system), settings, n_objects)
    if network is None:
        learner: nn.Module = initial_network(recipe.of_single_objects(), (scenes.shape[1], scenes.shape[2]))
        trained = learner
    else:
        learner, trained = checked_network(network, scenes, Recipe(), device), network

    subject = {"recipe": recipe.as_dict() | grouping.identity(), "images": images_hash(scenes), "procedure": PROCEDURE}
    state = _learn(learner.to(device), scenes, recipe, grouping, subject, place, after_round, progress)
    if state.history[-1][1] < FEWEST_GROUPS:
        warnings.warn(
            f"{state.history[-1][1]:.2g} groups were found in a scene: if these are images of single objects, "
            "dasbe.train_network is for them; if not, take a smaller fragment, or more rounds",
            InputWarning,
            stacklevel=2,
        )
    finish(trained, Recipe(half_precision=recipe.half_precision))
    trained.description = {  # type: ignore[assignment]
        "recipe": recipe.as_dict(),
        "images": facts(given),
        "training_seconds": round(state.seconds),
        "history": {name: [row[i] for row in state.history] for i, name in enumerate(ROUND)},
        "made": provenance(),
    }
    return trained.eval()  # type: ignore[return-value]


def _with_ink(images: np.ndarray) -> np.ndarray:
    """Those of `images` that are not empty; InputError if they are too few to learn from."""
    scenes = images[images.any((1, 2))]
    if len(scenes) < FEWEST_SCENES:
        raise InputError(
            f"scenes hold ink in {len(scenes)} of {len(images)}; give at least {FEWEST_SCENES}, better a thousand"
        )
    return scenes


@dataclass
class _Grouping:
    """How scenes are grouped, in each round."""

    recipe: SceneRecipe
    system: System | None
    settings: Any
    n_objects: np.ndarray | None

    def identity(self) -> dict[str, str]:
        """What a checkpoint compares besides the recipe."""
        system, told = self.system, self.n_objects
        code = "" if system is None else f"{system.name} {code_hash(system)} {self.settings!r}"
        return {"grouping": code, "told": "" if told is None else hashlib.sha256(told.tobytes()).hexdigest()}

    def __call__(self, scenes: np.ndarray, numbers: np.ndarray, network: nn.Module, stage: int, first: int) -> Tensor:
        """Groups (M, H, W) int16 of the scenes called `numbers`, in round `stage`, from random stream `first` on."""
        chosen, told = scenes[numbers], None if self.n_objects is None else self.n_objects[numbers]
        system: Any = self.system
        settings = self.settings
        if system is None:
            n_phases, fewest = self.recipe.n_phases, self.recipe.fewest_phases
            counted = told is None and stage >= self.recipe.counting_from
            system = "competing_phases_counting" if counted else "competing_phases"
            settings = Settings(n_phases, **USUAL)
            if told is None and not counted:
                if fewest is None:
                    told, settings = np.full(len(chosen), n_phases), Settings(n_phases, **SURPLUS)
                else:
                    drawn = np.random.default_rng([self.recipe.seed, first])
                    told = drawn.integers(fewest, n_phases + 1, len(chosen))
        streams: Any = {"seed": self.recipe.seed, "indices": range(first, first + len(chosen))}
        device = next(network.parameters()).device
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)  # it is still learning; what it ends as is warned of later
            found = segment(chosen, network, system, n_objects=told, settings=settings, device=device, **streams)
        return torch.from_numpy(found.astype(np.int16))


def _learn(
    network: nn.Module,
    scenes: np.ndarray,
    recipe: SceneRecipe,
    grouping: _Grouping,
    subject: dict[str, Any],
    checkpoint: Path | None,
    after_round: Callable[[int, nn.Module], None],
    progress: bool,
) -> SceneState:
    """All rounds; the first are those of a checkpoint, if it has any."""
    subject |= {"layers": shapes_of(network.state_dict())}
    device = next(network.parameters()).device

    def take(content: dict) -> SceneState | None:
        answered, state = content.pop("answers", ()), SceneState(**content)
        check_weights(network, state.weights)
        for name in ("groups", "probe"):
            if (labels := getattr(state, name)) is not None:
                setattr(state, name, labels.cpu())
        return state if taken_over(state.weights, answered, network, scenes) else None

    state = resumed(checkpoint, subject, device, take)
    if state is None:
        state = SceneState(0, network.state_dict())
        if (bias := output_bias(network)) is not None:
            nn.init.constant_(bias, FIRST_BIAS)
    order = np.random.default_rng([recipe.seed, 0]).permutation(len(scenes))
    size = min(recipe.scenes_a_round, len(scenes))
    steps = [recipe.steps_of(stage) for stage in range(recipe.rounds + 1)]

    def of_round(number: int) -> np.ndarray:
        return order[(np.arange(size) + number * size) % len(scenes)]

    with (
        progress_bar(
            total=sum(steps), initial=sum(steps[: state.rounds]), desc="learning", unit=" steps", disable=not progress
        ) as bar,
        computing_on(device),
        one_thread(),
    ):
        while state.rounds <= recipe.rounds:
            started, stage = time.perf_counter(), state.rounds
            chosen, groups = order, None
            if stage:
                of_stage = grouping(scenes, of_round(stage), network, stage, PROBE + stage * size)
                before = [state.groups] if state.groups is not None else []
                chosen = np.concatenate([of_round(stage - 1)[: size * len(before)], of_round(stage)])
                groups, state.groups = torch.cat([*before, of_stage]), of_stage
            loss = _round(network, scenes[chosen], groups, recipe, stage, bar)
            probed = grouping(scenes, order[:PROBE], network, stage, 0)
            found = probed.numpy().astype(np.int64)
            alike = 0.0 if state.probe is None else ami(state.probe.numpy(), found)
            changed, n_groups = float(np.mean(alike < SAME_GROUPING)), float(n_found(found).mean())
            state.history.append((loss, n_groups, changed))
            state.rounds, state.probe, state.weights = stage + 1, probed, network.state_dict()
            state.seconds += time.perf_counter() - started
            if checkpoint is not None:
                answered = {"answers": list(answers(network, scenes, device))}
                save_tensors(checkpoint, {**subject, **answered, **vars(state)})
            bar.set_postfix(dict(zip(ROUND, (f"{value:.3g}" for value in state.history[-1]))))
            after_round(stage, network)
    return state


def _round(
    network: nn.Module, scenes: np.ndarray, groups: Tensor | None, recipe: SceneRecipe, stage: int, bar: tqdm
) -> float:
    """Learn from fragments of `scenes` (M, H, W), or from their `groups` (M, H, W); the mean loss of the last steps."""
    device, dtype = next(network.parameters()).device, float_type(network)
    ink = torch.from_numpy(scenes).to(device).flatten(1)
    base = nn.Parameter(ink.to(dtype).mean(0).clamp(*BASE).logit())
    steps = recipe.steps_of(stage)
    objects = recipe.of_single_objects() if stage > 1 else replace(recipe.of_single_objects(), walkback=0)
    optimiser = torch.optim.Adam([*network.parameters(), base], recipe.learning_rate)
    losses: list[float] = []
    if groups is not None:
        groups = groups.to(device).flatten(1)
        sizes = torch.stack([(groups == k).sum(1) for k in range(1, int(groups.max()) + 1)], 1)
        large = (sizes >= recipe.least_pixels).nonzero()  # numbers of scene and group
        if not len(large):
            raise InputError(
                f"no group has {recipe.least_pixels} pixels; take a smaller least_pixels, or larger images"
            )
    network.train()
    with random_numbers(recipe.seed, stage, device) as generator, failure_in_one_line(), torch.enable_grad():
        for step in range(steps):
            optimiser.param_groups[0]["lr"] = recipe.learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
            if groups is None:
                chosen = torch.randint(len(ink), (recipe.batch,), generator=generator, device=device)
                x = ink[chosen].to(dtype)
                own, shown = fragments(x, (scenes.shape[1], scenes.shape[2]), recipe.fragment, generator)
                weight = 1.0
            else:
                pick = torch.randint(len(large), (recipe.batch,), generator=generator, device=device)
                chosen, number = large[pick].T
                x, own = ink[chosen].to(dtype), (groups[chosen] == number[:, None] + 1).to(dtype)
                shown, weight = corrupt(own, objects, generator, network), recipe.foreign_ink
            y, _ = restored(network, shown, objects, generator)
            drive = y.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY).logit()
            if stage == recipe.rounds and groups is not None:
                loss = binary_cross_entropy_with_logits(drive, own)
            else:
                loss = scene_loss(drive, base, own, x, weight).mean()
            if not loss.isfinite():
                raise InputError(f"learning diverged; try a learning_rate below {recipe.learning_rate:g}")
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
            bar.update()
    network.eval()
    return float(np.mean(losses[-100:]))


def scene_loss(drive: Tensor, base: Tensor, own: Tensor, ink: Tensor, foreign_ink: float) -> Tensor:
    """Loss (M, P) of every pixel, from the `drive` logit(e) (M, P), the `base` logit(b) (P,), and where ink is (M, P).

    `own` is the ink of the group, `ink` all of it, 0 or 1; see :func:`learn_from_scenes`.
    """
    none = -softplus(drive) - softplus(base)  # log[(1 − e)(1 − b)]
    foreign = -foreign_ink * torch.log(-torch.expm1(none.clamp(max=-LEAST_PROBABILITY)))
    return torch.where(own > 0, softplus(-drive), torch.where(ink > 0, foreign, -none))


def fragments(
    scenes: Tensor, image_shape: tuple[int, int], widths: tuple[float, float], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """A fragment of each scene, and what is shown of it, (M, H·W) floats both; `widths` are the least and largest σ."""
    like: Any = {"generator": generator, "device": scenes.device}
    centre = torch.multinomial(scenes, 1, generator=generator)
    number = torch.arange(scenes.shape[1], device=scenes.device)
    y, x = number // image_shape[1], number % image_shape[1]
    low, high = widths
    sigma = low + (high - low) * torch.rand((len(scenes), 1), **like)
    squared = (y - y[centre]) ** 2 + (x - x[centre]) ** 2
    own = scenes * (torch.rand(scenes.shape, **like) < torch.exp(-squared / (2 * sigma**2)))
    return own, switch(own, draw_rates(own, 0, UNSEEN_OF_FRAGMENT, generator), generator)
