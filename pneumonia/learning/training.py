"""The training loop: seeded and resumable."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from .batches import Batch, augmented_batches
from .checkpoint import CHECKPOINT, History, restore_checkpoint, save_checkpoint
from .lung_head import LUNG_FIELD
from .network import build_network, ensemble, training_model
from .recipe import Recipe
from .training_films import Inputs, Labels, TrainingFilms


def train_ensemble(
    recipe: Recipe,
    films: TrainingFilms,
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
    films: TrainingFilms,
    validation: tuple[Inputs, Labels],
    folder: Path,
    *,
    seed: int,
    resume: bool = False,
    quiet: bool = False,
) -> tuple[keras.Model, History]:
    """Train one network; `validation` is a pair (films `[N, 150, 150]`, labels `[N]`, 0 Normal, 1 Pneumonia).

    Returns the network with averaged weights, which is the one to serve, and one row of metrics per epoch. After each
    epoch, all state on which the next one depends is saved to `folder/checkpoint.npz`. With `resume`, training
    continues from there with the same films in the same order at the same learning rate. Raises `DiskFull` if a
    checkpoint cannot be written; the previous one is then unchanged. Raises `UsageError` if the checkpoint to resume
    from was written with another recipe or seed.
    """
    keras.utils.set_random_seed(seed)
    # Incomplete batches are dropped, because batch normalisation would estimate its statistics from a few films. The
    # order is random, so each epoch drops different films.
    steps = max(1, len(films) // recipe.batch)
    weights = films.class_weights() if recipe.class_weights else np.ones(len(films))
    network = build_network(recipe)
    model = training_model(network)
    model.compile(_optimizer(recipe, steps), **_losses(recipe))
    ema_network = _ema_copy(network, recipe)
    model.optimizer.build(model.trainable_variables)
    variables = _checkpoint_variables(model, ema_network, network)
    history = restore_checkpoint(folder / CHECKPOINT, variables, recipe, seed) if resume else []
    for epoch in range(len(history), recipe.epochs):
        started = time.perf_counter()
        batches = augmented_batches(films, recipe, (seed, epoch), steps)
        bar = tqdm(batches, f"epoch {epoch + 1}/{recipe.epochs}", steps, disable=quiet or None)
        losses: list[float] = []
        for step, batch in enumerate(bar, start=epoch * steps):
            model.reset_metrics()  # otherwise Keras returns the mean loss of all batches so far
            inputs, targets, sample_weights = _fit_arguments(batch, films, weights, recipe, network)
            loss = model.train_on_batch(inputs, targets, sample_weight=sample_weights)
            losses.append(float(np.ravel(loss)[0]))
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


def _losses(recipe: Recipe) -> dict[str, Any]:
    """Arguments `loss` and `loss_weights` of `compile`: binary cross-entropy of the score, and of the lung field."""
    score_loss = keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)
    if recipe.head != "lungs":
        return {"loss": score_loss}
    return {
        "loss": [score_loss, keras.losses.BinaryCrossentropy()],
        "loss_weights": [1.0, recipe.lung_field_weight],
    }


def _fit_arguments(
    batch: Batch, films: TrainingFilms, weights: npt.NDArray[Any], recipe: Recipe, network: keras.Model
) -> tuple[npt.NDArray[np.float32], Any, Any]:
    """(inputs, targets, sample weights) of a batch; `weights` `[N]` are those of all films.

    Targets and weights are those of the score, or a list of those of the score and of the lung field.
    """
    indices, augmented_films, masks, erased = batch
    # A film without lungs supports neither class.
    targets = np.where(erased, 0.5, films.labels[indices]).astype(np.float32)[:, None]
    if recipe.head != "lungs":
        return augmented_films, targets, weights[indices]
    has_field = (films.has_mask[indices] & ~erased).astype(np.float32)
    return augmented_films, [targets, _field_targets(masks, network)], [weights[indices], has_field]


def _field_targets(masks: npt.NDArray[np.uint8], network: keras.Model) -> npt.NDArray[np.float32]:
    """Share of lung `[N, h * w]` at each position of the network's lung field, from masks `[N, 150, 150]`.

    The last rows and columns of a film, which max pooling drops, belong to no position.
    """
    height, width = network.get_layer(LUNG_FIELD).output.shape[1:3]
    block = masks.shape[1] // height
    cells = masks[:, : height * block, : width * block].reshape(len(masks), height, block, width, block)
    shares = cells.mean(axis=(2, 4), dtype=np.float32) / np.float32(255)
    return np.asarray(shares.reshape(len(masks), -1), np.float32)


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
