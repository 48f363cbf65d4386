"""The training loop: seeded and resumable."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from .batches import Inputs, augmented_batches
from .checkpoint import CHECKPOINT, History, restore_checkpoint, save_checkpoint
from .network import build_network, ensemble, training_model
from .recipe import Recipe

Labels = npt.NDArray[np.int64]


def train_ensemble(
    recipe: Recipe,
    films: tuple[Inputs, Labels],
    validation: tuple[Inputs, Labels],
    folder: Path,
    *,
    seed: int,
    **options: Any,
) -> tuple[keras.Model, History]:
    """Train the recipe's networks one after the other and join them in one model (deep ensemble).

    Each member has its own seed and its own checkpoint folder below `folder`. Arguments, return values and errors are
    those of `train`; the history contains the rows of all members in order.
    """
    networks, history = [], []
    for member in range(1, recipe.members + 1):
        # The seeds of the members differ by 1000, so that runs with other seeds have other members: the first member of
        # `--seed 2` must not equal the second member of `--seed 1`.
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
    """Train one network on `[N, 150, 150]` films and their labels (0 Normal, 1 Pneumonia).

    `films` and `validation` are pairs (films, labels). Returns the network with averaged weights, which is the one to
    serve, and one row of metrics per epoch. After each epoch, all state on which the next one depends is saved to
    `folder/checkpoint.npz`. With `resume`, training continues from there with the same films in the same order at the
    same learning rate. Raises `DiskFull` if a checkpoint cannot
    be written; the previous one is then unchanged. Raises `UsageError` if the checkpoint to resume from was written
    with another recipe or seed.
    """
    keras.utils.set_random_seed(seed)
    inputs, labels = films
    # Incomplete batches are dropped, because batch normalisation would estimate its statistics from a few films. The
    # order is random, so each epoch drops different films.
    steps = max(1, len(inputs) // recipe.batch)
    weights = _class_weights(labels) if recipe.class_weights else np.ones(len(labels))
    network = build_network(recipe)
    model = training_model(network)
    model.compile(_optimizer(recipe, steps), keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing))
    ema_network = _ema_copy(network, recipe)
    model.optimizer.build(model.trainable_variables)
    variables = _checkpoint_variables(model, ema_network, network)
    history = restore_checkpoint(folder / CHECKPOINT, variables, recipe, seed) if resume else []
    for epoch in range(len(history), recipe.epochs):
        started = time.perf_counter()
        batches = augmented_batches(inputs, recipe, (seed, epoch), steps)
        bar = tqdm(batches, f"epoch {epoch + 1}/{recipe.epochs}", steps, disable=quiet or None)
        losses: list[float] = []
        for step, (indices, augmented_films) in enumerate(bar, start=epoch * steps):
            model.reset_metrics()  # otherwise Keras returns the mean loss of all batches so far
            targets = labels[indices, None].astype(np.float32)
            losses.append(float(model.train_on_batch(augmented_films, targets, sample_weight=weights[indices])))
            _update_ema(ema_network, network, recipe.weight_averaging, step)
            bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
        row = {"epoch": epoch + 1, "loss": float(np.mean(losses)), **_validate(ema_network, validation)}
        history.append({**row, "seconds": time.perf_counter() - started})
        save_checkpoint(folder / CHECKPOINT, variables, history, recipe, seed)
        tqdm.write("  ".join(f"{name} {value:.4g}" for name, value in history[-1].items()))
    return ema_network, history


def predict_scores(network: keras.Model, inputs: Inputs, batch: int = 64) -> npt.NDArray[np.float64]:
    """Uncalibrated scores `[N]` in 0..1 of `[N, 150, 150]` films in 0..255; `batch` films are scored at a time."""
    batch_scores = [
        np.asarray(network(np.repeat(inputs[start : start + batch, :, :, None], 3, axis=3).astype(np.float32)))
        for start in range(0, len(inputs), batch)
    ]
    return np.concatenate(batch_scores)[:, 0].astype(np.float64)


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Adam or AdamW (Loshchilov and Hutter 2019), optionally with cosine decay after a linear warm-up of one epoch."""
    rate: Any = recipe.learning_rate
    if recipe.cosine_decay:
        decay_steps = max(1, steps * (recipe.epochs - 1))
        rate = keras.optimizers.schedules.CosineDecay(0.0, decay_steps, warmup_target=rate, warmup_steps=steps)
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        # Biases and normalisation scales add no capacity that weight decay should limit.
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer
    return keras.optimizers.Adam(rate)


def _class_weights(labels: Labels) -> npt.NDArray[np.float64]:
    """Sample weights `[N]`: both classes have the same total weight, and the mean weight is 1."""
    share = np.bincount(labels, minlength=2) / len(labels)
    return np.asarray(0.5 / share[labels])


def _ema_copy(network: keras.Model, recipe: Recipe) -> keras.Model:
    """A copy of the network for the exponential moving average of its weights; without averaging, `network` itself."""
    if not recipe.weight_averaging:
        return network
    copy = build_network(recipe)
    copy.set_weights(network.get_weights())
    return copy


def _update_ema(ema_network: keras.Model, network: keras.Model, momentum: float, step: int) -> None:
    """Update the exponential moving average of all weights by one step."""
    if ema_network is network:
        return
    # The decay is small in the first steps, so that the random initial weights lose their influence quickly.
    decay = min(momentum, (1 + step) / (10 + step))
    for average, current in zip(ema_network.weights, network.weights, strict=True):
        average.assign(average * decay + current * (1 - decay))


def _validate(network: keras.Model, validation: tuple[Inputs, Labels]) -> dict[str, float]:
    inputs, labels = validation
    scores = np.clip(predict_scores(network, inputs), 1e-7, 1 - 1e-7)
    loss = -np.mean(np.where(labels == 1, np.log(scores), np.log1p(-scores)))
    return {"validation_loss": float(loss), "validation_accuracy": float(np.mean((scores >= 0.5) == (labels == 1)))}


def _checkpoint_variables(model: keras.Model, ema_network: keras.Model, network: keras.Model) -> list[Any]:
    """Every variable that the next epoch depends on, including the states of the random generators."""
    ema_variables = [] if ema_network is network else list(ema_network.variables)
    return [*model.variables, *model.optimizer.variables, *ema_variables]
