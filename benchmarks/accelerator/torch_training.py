"""Training with PyTorch in bfloat16, with `torch.compile` and fused Adam."""

import sys

import torch
from shared import DROPOUT_RATE, LABEL_SMOOTHING, PAD_ID, take_turns
from torch.nn import functional as F
from torch_model import Transformer
from workload import LENGTH, MODELS, VOCAB_SIZES, WARMUP_STEPS, training_batches

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def memory_and_device() -> dict:
    """The device, and the peak of its memory if it has its own."""
    if DEVICE.type == "cpu":
        return {"device": "cpu", "device GB": None}
    return {
        "device": torch.cuda.get_device_name(),
        "device GB": torch.cuda.max_memory_allocated() / 1e9,
    }


def on_host(batch):
    """A batch as tensors that a GPU can fetch while it computes."""
    tensors = [torch.from_numpy(ids).long() for ids in batch]
    return [ids.pin_memory() for ids in tensors] if DEVICE.type == "cuda" else tensors


def make_model(name: str):
    """The model on its device."""
    torch.manual_seed(1)
    model = Transformer(
        VOCAB_SIZES[name], MODELS[name], DROPOUT_RATE, LENGTH, pad_id=PAD_ID
    )
    return model.to(DEVICE).train()


def make_step(model, d_model: int, compiler: str):
    """A function that makes one update and returns the loss, without waiting for it."""
    optimizer = torch.optim.Adam(model.parameters(), 1, (0.9, 0.98), 1e-9, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            d_model**-0.5 * min((step + 1) ** -0.5, (step + 1) * WARMUP_STEPS**-1.5)
        ),
    )

    @torch.compile(backend=compiler)
    def loss_of(source_ids, target_ids, labels):
        with torch.autocast(DEVICE.type, torch.bfloat16):
            logits = model(source_ids, target_ids)
            return F.cross_entropy(
                logits.flatten(0, 1),
                labels.flatten(),
                ignore_index=PAD_ID,
                label_smoothing=LABEL_SMOOTHING,
            )

    def step(batch):
        loss = loss_of(*(ids.to(DEVICE, non_blocking=True) for ids in batch))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss.detach()

    return step


def main(name: str, batch_tokens: str, num_steps: str, compiler: str) -> None:
    """Trains in turns."""
    torch.set_float32_matmul_precision("high")
    model = make_model(name)
    step = make_step(model, MODELS[name]["d_model"], compiler)
    batches = [on_host(batch) for batch in training_batches(name, int(batch_tokens))]
    weights = sum(weight.numel() for weight in model.parameters())

    def train():
        losses = [step(batches[i % len(batches)]) for i in range(int(num_steps))]
        loss = torch.stack(losses).mean().item()
        return {"loss": loss, "weights": weights, **memory_and_device()}

    train()
    take_turns(train)


if __name__ == "__main__":
    main(*sys.argv[1:])
