"""Training and decoding with Hugging Face's Marian model in PyTorch."""

import sys

import torch
import transformers
from torch_training import train_in_turns
from turns import take_turns
from work import (
    BOS_ID,
    DROPOUT_RATE,
    EOS_ID,
    MODELS,
    PAD_ID,
    STEPS,
    VOCAB_SIZE,
    decoding_batches,
)


def make_model(name: str):
    """Model S or B with random weights, embeddings tied."""
    torch.manual_seed(1)
    sizes = MODELS[name]
    stacks = {}
    for stack in ("encoder", "decoder"):
        stacks[f"{stack}_layers"] = sizes["num_layers"]
        stacks[f"{stack}_attention_heads"] = sizes["num_heads"]
        stacks[f"{stack}_ffn_dim"] = sizes["d_ff"]
    config = transformers.MarianConfig(
        vocab_size=VOCAB_SIZE,
        d_model=sizes["d_model"],
        dropout=DROPOUT_RATE,
        activation_function="relu",
        scale_embedding=True,
        max_position_embeddings=128,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        decoder_start_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        forced_eos_token_id=None,
        **stacks,
    )
    return transformers.MarianMTModel(config)


class Logits(torch.nn.Module):
    """The model as a function from ids to logits."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, source_ids, target_ids):
        return self.model(
            input_ids=source_ids,
            attention_mask=source_ids.ne(PAD_ID).long(),
            decoder_input_ids=target_ids,
            use_cache=False,
        ).logits


def training(name: str) -> None:
    """Trains model S or B."""
    train_in_turns(Logits(make_model(name)).train(), name)


def decoding(folder: str, name: str, batch_size: str, beam_size: str) -> None:
    """Translates all sources in each turn by `generate`, with its cache."""
    transformers.logging.set_verbosity_error()
    model = make_model(name).eval()
    batches = [
        torch.from_numpy(ids).long() for ids in decoding_batches(name, int(batch_size))
    ]

    def work():
        tokens = 0
        for ids in batches:
            with torch.inference_mode():
                generated = model.generate(
                    input_ids=ids,
                    attention_mask=ids.ne(PAD_ID).long(),
                    num_beams=int(beam_size),
                    do_sample=False,
                    min_new_tokens=STEPS,
                    max_new_tokens=STEPS,
                )
            tokens += generated[:, 1:].numel()
        return {"tokens": tokens}

    work()
    take_turns(work)


if __name__ == "__main__":
    {"training": training, "decoding": decoding}[sys.argv[1]](*sys.argv[2:])
