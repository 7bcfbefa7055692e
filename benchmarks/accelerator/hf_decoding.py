"""Decoding with `generate` of Hugging Face's Marian model in bfloat16, ids to ids."""

import sys

import torch
import transformers
from shared import BOS_ID, EOS_ID, PAD_ID, STEPS, take_turns
from torch_training import DEVICE, memory_and_device
from workload import MODELS, SOURCE_LENGTH, VOCAB_SIZES, decoding_batches


def make_model(name: str):
    """A Marian model of the same sizes with random weights."""
    torch.manual_seed(1)
    sizes = MODELS[name]
    stack_sizes = {
        f"{stack}_{key}": sizes[ours]
        for stack in ("encoder", "decoder")
        for key, ours in (
            ("layers", "num_layers"),
            ("attention_heads", "num_heads"),
            ("ffn_dim", "d_ff"),
        )
    }
    config = transformers.MarianConfig(
        vocab_size=VOCAB_SIZES[name],
        d_model=sizes["d_model"],
        activation_function="relu",
        scale_embedding=True,
        max_position_embeddings=SOURCE_LENGTH,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        decoder_start_token_id=BOS_ID,
        forced_eos_token_id=None,
        **stack_sizes,
    )
    return transformers.MarianMTModel(config).to(DEVICE, torch.bfloat16).eval()


def main(name: str, batch_size: str, beam_size: str) -> None:
    """Translates all sources in each turn."""
    model = make_model(name)
    batches = [
        torch.from_numpy(ids).long() for ids in decoding_batches(name, int(batch_size))
    ]

    @torch.inference_mode()
    def translate():
        tokens = 0
        for batch in batches:
            source_ids = batch.to(DEVICE)
            written = model.generate(
                input_ids=source_ids,
                attention_mask=source_ids.ne(PAD_ID).long(),
                num_beams=int(beam_size),
                do_sample=False,
                min_new_tokens=STEPS,
                max_new_tokens=STEPS,
            )
            tokens += written[:, 1:].cpu().numel()  # the start token is not written
        return {"tokens": tokens, **memory_and_device()}

    translate()
    take_turns(translate)


if __name__ == "__main__":
    main(*sys.argv[1:])
