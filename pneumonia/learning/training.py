"""The training loop: seeded, resumable, one flat function a network."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ..errors import UsageError
from ..files import atomic_path
from .augmentation import augment_films
from .network import build_network, ensemble, training_model
from .recipe import Recipe

History = list[dict[str, float]]
Inputs = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]
Indices = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float32]

CHECKPOINT = "checkpoint.npz"

PREFETCHED_BATCHES = 4
"""So many batches are changed ahead of the one that trains."""


def train_ensemble(
    recipe: Recipe,
    films: tuple[Inputs, Labels],
    validation: tuple[Inputs, Labels],
    folder: Path,
    *,
    seed: int,
    **options: Any,
) -> tuple[keras.Model, History]:
    """The recipe's networks, one after the other, each with a seed and a checkpoint of its own, as one ensemble.

    Takes and gives what `train` does; the history's rows of all members follow each other.
    """
    networks, history = [], []
    for member in range(1, recipe.members + 1):
        # Far from the seeds of other runs: `--seed 2` must not train the second member of `--seed 1` again.
        member_seed = 1000 * (member - 1) + seed
        network, rows = train(recipe, films, validation, folder / f"member{member}", seed=member_seed, **options)
        networks.append(network)
        history += [{"member": member, **row} for row in rows]
    return ensemble(networks), history


def train(
    recipe: Recipe,
    films: tuple[Inputs, Labels],
    validation: tuple[Inputs, Labels],
    folder: Path,
    *,
    seed: int,
    resume: bool = False,
    quiet: bool = False,
) -> tuple[keras.Model, History]:
    """Train one network on `[N, 150, 150]` films and 0/1 labels; returns it as it is served, and a row an epoch.

    After each epoch everything that the next one needs goes to `folder/checkpoint.npz`, so that `resume` continues
    after a kill with the same films in the same order at the same learning rate. Raises `DiskFull` with the last
    checkpoint left whole.
    """
    keras.utils.set_random_seed(seed)
    inputs, labels = films
    # A last batch of a few films would give batch normalisation a wild estimate; each epoch leaves out other films.
    steps = max(1, len(inputs) // recipe.batch)
    weights = _class_weights(labels) if recipe.class_weights else np.ones(len(labels))
    network = build_network(recipe)
    model = training_model(network)
    model.compile(_optimizer(recipe, steps), keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing))
    ema_network = _ema_copy(network, recipe)
    model.optimizer.build(model.trainable_variables)
    state = _state_variables(model, ema_network, network)
    history = _restore(folder / CHECKPOINT, state, recipe, seed) if resume else []
    for epoch in range(len(history), recipe.epochs):
        started = time.perf_counter()
        batches = _batches(inputs, recipe, (seed, epoch), steps)
        bar = tqdm(batches, f"epoch {epoch + 1}/{recipe.epochs}", steps, disable=quiet or None)
        losses: list[float] = []
        for step, (batch, augmented_films) in enumerate(bar, start=epoch * steps):
            model.reset_metrics()  # so that the loss returned is this batch's own
            targets = labels[batch, None].astype(np.float32)
            losses.append(float(model.train_on_batch(augmented_films, targets, sample_weight=weights[batch])))
            _update_ema(ema_network, network, recipe.weight_averaging, step)
            bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
        row = {"epoch": epoch + 1, "loss": float(np.mean(losses)), **_validate(ema_network, validation)}
        history.append({**row, "seconds": time.perf_counter() - started})
        _save(folder / CHECKPOINT, state, history, recipe, seed)
        tqdm.write("  ".join(f"{name} {value:.4g}" for name, value in history[-1].items()))
    return ema_network, history


def predict_scores(network: keras.Model, inputs: Inputs, batch: int = 64) -> npt.NDArray[np.float64]:
    """The network's scores of `[N, 150, 150]` films, `[N]`."""
    parts = [
        np.asarray(network(np.repeat(inputs[start : start + batch, :, :, None], 3, axis=3).astype(np.float32)))
        for start in range(0, len(inputs), batch)
    ]
    return np.concatenate(parts)[:, 0].astype(np.float64)


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    rate: Any = recipe.learning_rate
    if recipe.cosine_decay:
        decay = max(1, steps * (recipe.epochs - 1))
        rate = keras.optimizers.schedules.CosineDecay(0.0, decay, warmup_target=rate, warmup_steps=steps)
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        # Biases and normalisation scales are not shrunk: they carry no capacity that decay should limit.
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer
    return keras.optimizers.Adam(rate)


def _class_weights(labels: Labels) -> npt.NDArray[np.float64]:
    """A weight a film with which both classes count the same and the mean weight is 1."""
    share = np.bincount(labels, minlength=2) / len(labels)
    return np.asarray(0.5 / share[labels])


def _batches(inputs: Inputs, recipe: Recipe, seed: tuple[int, int], steps: int) -> Iterator[tuple[Indices, Floats]]:
    """(which films, these films changed) for each step of an epoch; the next ones are changed while this one trains.

    All chance comes from (seed, epoch, step), so that a resumed epoch sees what an undisturbed one would have seen.
    """
    permutation = np.random.default_rng(seed).permutation(len(inputs))
    parts = [permutation[step * recipe.batch : (step + 1) * recipe.batch] for step in range(steps)]

    def prepare(step: int) -> tuple[Indices, Floats]:
        random = np.random.default_rng((*seed, step))
        others = inputs[random.integers(len(inputs), size=len(parts[step]))]
        return parts[step], augment_films(inputs[parts[step]], others, recipe.augmentation, random)

    with ThreadPoolExecutor(1, "augmentation") as pool:
        pending_batches: deque[Future[tuple[Indices, Floats]]] = deque()
        for step in range(steps):
            pending_batches.append(pool.submit(prepare, step))
            if len(pending_batches) > PREFETCHED_BATCHES:
                yield pending_batches.popleft().result()
        while pending_batches:
            yield pending_batches.popleft().result()


def _ema_copy(network: keras.Model, recipe: Recipe) -> keras.Model:
    """The network whose weights follow the trained ones slowly; without averaging it is the trained network itself."""
    if not recipe.weight_averaging:
        return network
    copy = build_network(recipe)
    copy.set_weights(network.get_weights())
    return copy


def _update_ema(ema_network: keras.Model, network: keras.Model, momentum: float, step: int) -> None:
    if ema_network is network:
        return
    # A short memory at first, so that the random start is forgotten at once.
    decay = min(momentum, (1 + step) / (10 + step))
    for average, current in zip(ema_network.weights, network.weights, strict=True):
        average.assign(average * decay + current * (1 - decay))


def _validate(network: keras.Model, validation: tuple[Inputs, Labels]) -> dict[str, float]:
    inputs, labels = validation
    scores = np.clip(predict_scores(network, inputs), 1e-7, 1 - 1e-7)
    loss = -np.mean(np.where(labels == 1, np.log(scores), np.log1p(-scores)))
    return {"validation_loss": float(loss), "validation_accuracy": float(np.mean((scores >= 0.5) == (labels == 1)))}


def _state_variables(model: keras.Model, ema_network: keras.Model, network: keras.Model) -> list[Any]:
    """Every variable that the next epoch depends on, the random generators' states among them."""
    ema_variables = [] if ema_network is network else list(ema_network.variables)
    return [*model.variables, *model.optimizer.variables, *ema_variables]


def _save(path: Path, state: list[Any], history: History, recipe: Recipe, seed: int) -> None:
    note = json.dumps({"recipe": repr(recipe), "seed": seed, "history": history})
    arrays: dict[str, Any] = {f"variable_{index}": np.asarray(variable) for index, variable in enumerate(state)}
    with atomic_path(path) as partial:
        np.savez(partial, note=np.array(note), **arrays)


def _restore(path: Path, state: list[Any], recipe: Recipe, seed: int) -> History:
    """Put a checkpoint's values into `state`; returns its history, empty where there is no checkpoint."""
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as checkpoint:
        note = json.loads(str(checkpoint["note"]))
        if (note["recipe"], note["seed"]) != (repr(recipe), seed):
            raise UsageError(
                f"The checkpoint was written with another recipe or seed. Start anew, or elsewhere: {path}."
            )
        for index, variable in enumerate(state):
            variable.assign(checkpoint[f"variable_{index}"])
    history: History = note["history"]
    return history
