"""Training with PyTorch's `nn.Transformer`, eager."""

import math
import sys

import torch
from torch import nn
from turns import take_turns
from work import (
    DROPOUT_RATE,
    LABEL_SMOOTHING,
    MODELS,
    PAD_ID,
    VOCAB_SIZE,
    training_batches,
)


class Model(nn.Module):
    """Embedding shared with the output, sinusoids, the stacks."""

    def __init__(self, num_layers, d_model, num_heads, d_ff):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, d_model, padding_idx=PAD_ID)
        nn.init.normal_(self.embedding.weight, 0, d_model**-0.5)
        exponents = torch.arange(0, d_model, 2) / d_model
        angles = torch.arange(128)[:, None] / 10000**exponents
        table = torch.stack([angles.sin(), angles.cos()], dim=-1)
        self.register_buffer("positions", table.reshape(128, d_model))
        self.dropout = nn.Dropout(DROPOUT_RATE)
        self.scale = math.sqrt(d_model)
        self.stacks = nn.Transformer(
            *(d_model, num_heads, num_layers, num_layers, d_ff, DROPOUT_RATE),
            batch_first=True,
        )

    def embed(self, ids):
        """Embeds ids and adds positions."""
        vectors = self.embedding(ids) * self.scale
        return self.dropout(vectors + self.positions[: ids.shape[1]])

    def forward(self, source_ids, target_ids):
        padding, length = source_ids.eq(PAD_ID), target_ids.shape[1]
        states = self.stacks(
            self.embed(source_ids),
            self.embed(target_ids),
            tgt_mask=torch.ones(length, length, dtype=torch.bool).triu(1),
            src_key_padding_mask=padding,
            tgt_key_padding_mask=target_ids.eq(PAD_ID),
            memory_key_padding_mask=padding,
            tgt_is_causal=False,
        )
        return nn.functional.linear(states, self.embedding.weight)


def train_in_turns(model, name: str) -> None:
    """Trains `model(source_ids, target_ids)`, one epoch per turn."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-4, (0.9, 0.98), 1e-9)
    batches = [
        tuple(torch.from_numpy(ids).long() for ids in batch)
        for batch in training_batches(name)
    ]

    def train():
        for source_ids, target_ids, labels in batches:
            logits = model(source_ids, target_ids).reshape(-1, VOCAB_SIZE)
            loss = nn.functional.cross_entropy(
                logits,
                labels.reshape(-1),
                ignore_index=PAD_ID,
                label_smoothing=LABEL_SMOOTHING,
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss.item()

    train()
    take_turns(train)


def main(name: str) -> None:
    """Trains model S or B."""
    torch.manual_seed(1)
    train_in_turns(Model(**MODELS[name]).train(), name)


if __name__ == "__main__":
    main(*sys.argv[1:])
