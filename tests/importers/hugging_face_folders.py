"""Folders as `transformers` writes them, with small random models."""

import io
import json
import random

import sentencepiece

SOURCE_LINES = [
    "The student reads a book in the old library.",
    "A dog ran to the park, and the cat slept on the mat.",
    "She wrote a letter to the teacher about the school.",
    "Two children play football in front of a red house!",
]
TARGET_LINES = [
    "Der Student liest ein Buch in der alten Bibliothek.",
    "Ein Hund lief in den Park, und die Katze schlief auf der Matte.",
    "Sie schrieb der Lehrerin einen Brief über die Schule.",
    "Zwei Kinder spielen Fußball vor einem roten Haus!",
]
LANGUAGES = [">>deu<<", ">>nld<<"]
TEXTS = [
    *SOURCE_LINES,
    "",
    "   ",
    "  The  cat ran,  and … ran. ",
    "An unknown ☃ and two 😀😀 of them",
    "ａｂｃ ½ über straße",
    "7 * a <",
    "qqq xxxx",
]


def train_pieces(lines, model_type="unigram", vocab_size=90, **settings):
    """A SentencePiece model as OPUS-MT has: unknown 0, start 1, end 2, no padding."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type=model_type,
        vocab_size=vocab_size,
        hard_vocab_limit=False,
        minloglevel=2,
        **settings,
    )
    return model.getvalue()


def pieces_of(*models):
    """The pieces of models without their special pieces, each once."""
    pieces = []
    for model in models:
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        pieces += processor.id_to_piece(list(range(3, processor.get_piece_size())))
    return list(dict.fromkeys(pieces))


def vocabulary(pieces, num_lacking=7, extra=(*LANGUAGES, "seen", "漢"), pad_place=None):
    """Ids by piece, as OPUS-MT's: end 0, unknown 1, padding last."""
    pieces = sorted(pieces)
    random.Random(1).shuffle(pieces)
    pieces = [*pieces[num_lacking:], *extra]
    pieces = [piece for piece in pieces if piece not in ("</s>", "<unk>", "<pad>")]
    names = ["</s>", "<unk>", *pieces]
    names.insert(len(names) if pad_place is None else pad_place, "<pad>")
    return {piece: i for i, piece in enumerate(names)}


def write_vocabularies(folder, model_type="unigram", separate=False, **settings):
    """Writes all files that `MarianTokenizer` needs; returns the vocabulary sizes."""
    models = {
        "source.spm": train_pieces(SOURCE_LINES, model_type, **settings),
        "target.spm": train_pieces(TARGET_LINES, model_type, vocab_size=80),
    }
    for name, model in models.items():
        (folder / name).write_bytes(model)
    if separate:
        tables = {
            "vocab.json": vocabulary(pieces_of(models["source.spm"]), pad_place=2),
            "target_vocab.json": vocabulary(
                pieces_of(models["target.spm"]), extra=(), pad_place=2
            ),
        }
    else:
        tables = {"vocab.json": vocabulary(pieces_of(*models.values()))}
    for name, table in tables.items():
        (folder / name).write_text(json.dumps(table), encoding="utf-8")
    return [len(table) for table in tables.values()]


def write_model(folder, separate=False, model_type="unigram", **changes):
    """Writes a whole folder with random weights; returns its `MarianMTModel`."""
    import torch
    from transformers import MarianConfig, MarianMTModel

    sizes = write_vocabularies(folder, model_type=model_type, separate=separate)
    pad = 2 if separate else sizes[-1] - 1
    settings = {**SIZES, "decoder_start_token_id": pad, **changes}
    config = MarianConfig(
        vocab_size=sizes[0],
        decoder_vocab_size=sizes[-1],
        share_encoder_decoder_embeddings=not separate,
        pad_token_id=pad,
        eos_token_id=0,
        forced_eos_token_id=0,
        bad_words_ids=[[pad]],
        **settings,
    )
    torch.manual_seed(7)
    model = MarianMTModel(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "embed_positions" not in name:
                weight.add_(0.5 * torch.randn(weight.shape))
        bias = torch.randn(model.final_logits_bias.shape)
        bias[:, 0] += 15  # sentences end
        model.final_logits_bias.copy_(bias)
    model.save_pretrained(folder)
    return model


SIZES = {
    "d_model": 12,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 20,
    "max_position_embeddings": 70,
    "scale_embedding": True,
    "activation_function": "swish",
}
