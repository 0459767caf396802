"""Several networks trained at once, each by a process of one thread.

The weights of a network depend on its recipe alone, so they are the same as after a
training one by one. Processes send their progress, and the parent shows it. A process
that was ended goes on from its checkpoint the next time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from tqdm import tqdm

from dasbe.support.commands import message_of
from dasbe.support.errors import InputError
from dasbe.support.progress import progress_bar
from dasbe.support.workers import end_with_parent, interrupts_are_ours
from dasbe.train.denoising import TrainingState

Train = Callable[..., list[str]]
Progress = tuple[int, dict[str, float]]  # epochs, or rounds, that are done, and what is to be shown of them


class Task(NamedTuple):
    """A network to train, and the path of its file."""

    name: str
    recipe: Any  # Recipe, or SceneRecipe
    path: Path

    @property
    def unit(self) -> str:
        """What its training is counted in."""
        return "epoch" if hasattr(self.recipe, "epochs") else "round"

    @property
    def length(self) -> int:
        """Epochs of its training, or rounds, that of the fragments among them."""
        return self.recipe.epochs if self.unit == "epoch" else self.recipe.rounds + 1


@dataclass
class Worker:
    """A process as seen by its parent, to which it sends every epoch, and at its end `lines` or a `fault`."""

    task: Task
    process: BaseProcess
    bar: tqdm
    lines: list[str] | None = None
    fault: str | None = None

    def heard(self, message: Progress | list[str] | str) -> None:
        """Take in a message of the process."""
        if isinstance(message, tuple):
            _show(message, self.bar)
        elif isinstance(message, list):
            self.lines = message
        else:
            self.fault = message

    def end(self) -> list[str]:
        """Wait for the end of the process and print its lines; its faults are returned, if it has any."""
        self.process.join()
        self.bar.close()
        for line in self.lines or ():
            tqdm.write(line)
        if self.lines is not None:
            return []
        died = (
            f"its process died (exit code {self.process.exitcode}), perhaps for want of memory; trained again, it goes "
            "on from its checkpoint"
        )
        return [f"{self.task.name}: {self.fault or died}"]


def train_side_by_side(train_one: Train, tasks: Sequence[Task], jobs: int, **options: Any) -> None:
    """Train networks in their order, in `jobs` processes at a time.

    ``train_one(task, report=…, after_round=…, progress=False, **options)`` trains one and returns
    lines that say what was done. InputError names those that could not be trained, once all others are done.
    """
    waiting = list(tasks)[::-1]
    running: dict[Connection, Worker] = {}
    faults = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                receiver, worker = _started(train_one, waiting.pop(), options)
                running[receiver] = worker
            for receiver in cast(list[Connection], wait(list(running))):
                try:
                    running[receiver].heard(receiver.recv())
                except EOFError:
                    faults += running.pop(receiver).end()
    finally:
        for worker in running.values():  # after Ctrl-C
            worker.process.terminate()
            worker.end()
    if faults:
        raise InputError("; ".join(faults))


def _started(train_one: Train, task: Task, options: dict[str, Any]) -> tuple[Connection, Worker]:
    """A process that trains, and the pipe from it."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(name=task.name, target=_work, args=(train_one, task, options, sender), daemon=True)
    with interrupts_are_ours():
        process.start()
    sender.close()  # only in this process, so that the pipe ends with the other
    bar = progress_bar(total=task.length, desc=task.name, unit=f" {task.unit}s", leave=False)
    return receiver, Worker(task, process, bar)


def _work(train_one: Train, task: Task, options: dict[str, Any], sender: Connection) -> None:
    """Work of a process: train, send the progress, and at the end what was done, or what was wrong."""
    end_with_parent()
    torch.set_num_threads(1)

    def report(state: TrainingState) -> None:
        if state.history:
            epoch, training_loss, validation_loss, _ = state.history[-1]
            sender.send((epoch, {"loss": training_loss, "validation": validation_loss}))

    def after_round(stage: int, network: Any) -> None:
        sender.send((stage + 1, {}))

    try:
        sender.send(train_one(task, report=report, after_round=after_round, progress=False, **options))
    except (InputError, OSError) as error:
        sender.send(message_of(error))


def _show(progress: Progress, bar: tqdm) -> None:
    """Move the bar on."""
    done, values = progress
    bar.update(done - bar.n)
    bar.set_postfix({name: f"{value:.4f}" for name, value in values.items()})
