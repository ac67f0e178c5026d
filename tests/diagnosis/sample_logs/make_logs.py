"""Writes trainer_state.json and lightning_metrics.csv with the libraries that they are named after.

The tests read these files; the libraries are too heavy to be installed for them. See README.md here.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import lightning
import torch
import transformers
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HERE = Path(__file__).parent


def draw(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(count, 8) inputs whose class is the sign of a noisy sum."""
    torch.manual_seed(seed)
    inputs = torch.randn(count, 8)
    return inputs, (inputs.sum(1) + torch.randn(count) > 0).long()


class Net(nn.Module):
    """A small classifier that answers as transformers' Trainer expects."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.layers(x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def write_trainer_state(folder: str) -> None:
    rows = [
        [{"x": x, "labels": y} for x, y in zip(*draw(count, seed), strict=True)]
        for count, seed in ((64, 0), (200, 1))
    ]
    arguments = transformers.TrainingArguments(
        output_dir=folder,
        num_train_epochs=12,
        per_device_train_batch_size=16,
        learning_rate=0.02,
        eval_strategy="epoch",
        logging_steps=2,
        report_to=[],
        use_cpu=True,
        seed=0,
    )
    trainer = transformers.Trainer(
        model=Net(),
        args=arguments,
        train_dataset=rows[0],
        eval_dataset=rows[1],
        compute_metrics=lambda seen: {
            "accuracy": float((seen.predictions.argmax(1) == seen.label_ids).mean())
        },
    )
    trainer.train()
    trainer.save_state()
    shutil.copy(Path(folder) / "trainer_state.json", HERE)


class LitNet(lightning.LightningModule):
    """The same classifier under Lightning, logging what its documentation logs."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        answer = self.net(*batch)
        self.log("train_loss", answer["loss"], on_step=True, on_epoch=True)
        return answer["loss"]

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        answer = self.net(*batch)
        self.log("val_loss", answer["loss"])
        self.log("val_acc", (answer["logits"].argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 0.02)


def write_lightning_metrics(folder: str) -> None:
    torch.manual_seed(0)
    loaders = [DataLoader(TensorDataset(*draw(count, seed)), 16) for count, seed in ((64, 0), (200, 1))]
    trainer = lightning.Trainer(
        max_epochs=12,
        accelerator="cpu",
        logger=CSVLogger(folder),
        log_every_n_steps=2,
        enable_progress_bar=False,
        enable_checkpointing=False,
    )
    trainer.fit(LitNet(), *loaders)
    written = next(Path(folder).rglob("metrics.csv"))
    shutil.copy(written, HERE / "lightning_metrics.csv")


with tempfile.TemporaryDirectory() as folder:
    write_trainer_state(folder)
    write_lightning_metrics(folder)
print(sys.version, torch.__version__, transformers.__version__, lightning.__version__)
