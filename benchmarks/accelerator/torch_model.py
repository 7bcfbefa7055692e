"""The paper's model in PyTorch: `torch`'s scaled-dot-product attention, post-norm.

It has the same number of weights as ours: projections have a bias, one table embeds
source and target and gives the logits, and the sinusoids are not trained.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention; in self-attention one product gives Q, K and V."""

    def __init__(self, d_model: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.inputs = linear(d_model, d_model, num_parts=3)
        self.output = linear(d_model, d_model)

    def forward(self, x, memory=None, mask=None, is_causal=False):
        if memory is None:
            query, key, value = self.inputs(x).chunk(3, dim=-1)
        else:
            d_model = x.shape[-1]
            weight, bias = self.inputs.weight, self.inputs.bias
            query = F.linear(x, weight[:d_model], bias[:d_model])
            key, value = F.linear(memory, weight[d_model:], bias[d_model:]).chunk(2, -1)
        heads = F.scaled_dot_product_attention(
            *map(self._split, (query, key, value)), attn_mask=mask, is_causal=is_causal
        )
        return self.output(heads.transpose(1, 2).flatten(2))

    def _split(self, x):
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """A block of the encoder, or of the decoder if `has_cross_attention`."""

    def __init__(self, sizes: dict, dropout_rate: float, has_cross_attention: bool):
        super().__init__()
        d_model, num_heads = sizes["d_model"], sizes["num_heads"]
        self.is_causal = has_cross_attention
        self.self_attention = Attention(d_model, num_heads)
        self.cross_attention = (
            Attention(d_model, num_heads) if has_cross_attention else None
        )
        self.feed_forward = nn.Sequential(
            linear(d_model, sizes["d_ff"]),
            nn.ReLU(),
            linear(sizes["d_ff"], d_model),
        )
        self.norms = nn.ModuleList(
            nn.LayerNorm(d_model, eps=1e-6)
            for _ in range(3 if has_cross_attention else 2)
        )
        self.dropout = nn.Dropout(dropout_rate)

    def forward(self, x, source_mask, memory=None):
        # padding is at the end: under the causal mask no real token attends to it
        mask = None if self.is_causal else source_mask
        update = self.self_attention(x, mask=mask, is_causal=self.is_causal)
        x = self.norms[0](x + self.dropout(update))
        if self.cross_attention is not None:
            update = self.cross_attention(x, memory, source_mask)
            x = self.norms[1](x + self.dropout(update))
        return self.norms[-1](x + self.dropout(self.feed_forward(x)))


class Transformer(nn.Module):
    """Logits of teacher forcing; ids of `pad_id` in the source are hidden."""

    def __init__(self, vocab_size, sizes, dropout_rate, max_length, pad_id):
        super().__init__()
        self.pad_id, self.scale = pad_id, sizes["d_model"] ** 0.5
        self.embedding = nn.Embedding(vocab_size, sizes["d_model"])
        nn.init.normal_(self.embedding.weight, 0, sizes["d_model"] ** -0.5)
        self.register_buffer("positions", sinusoids(max_length, sizes["d_model"]))
        self.dropout = nn.Dropout(dropout_rate)
        self.encoder, self.decoder = (
            nn.ModuleList(
                Block(sizes, dropout_rate, has_cross_attention)
                for _ in range(sizes["num_layers"])
            )
            for has_cross_attention in (False, True)
        )

    def embed(self, ids):
        """Embeds ids and adds positions."""
        vectors = self.embedding(ids) * self.scale
        return self.dropout(vectors + self.positions[: ids.shape[1]])

    def forward(self, source_ids, target_ids):
        mask = source_ids.ne(self.pad_id)[:, None, None]
        memory = self.embed(source_ids)
        for block in self.encoder:
            memory = block(memory, mask)
        x = self.embed(target_ids)
        for block in self.decoder:
            x = block(x, mask, memory)
        return F.linear(x, self.embedding.weight)


def linear(num_inputs: int, num_outputs: int, num_parts: int = 1):
    """A layer of `num_parts` concatenated matrices, each initialized as in Keras."""
    layer = nn.Linear(num_inputs, num_parts * num_outputs)
    with torch.no_grad():
        for weight in layer.weight.chunk(num_parts):
            nn.init.xavier_uniform_(weight)
    nn.init.zeros_(layer.bias)
    return layer


def sinusoids(max_length: int, d_model: int):
    """The paper's positional encoding `(max_length, d_model)`."""
    exponents = torch.arange(0, d_model, 2) / d_model
    angles = torch.arange(max_length)[:, None] / 10000**exponents
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
