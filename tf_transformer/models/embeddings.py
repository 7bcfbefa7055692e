"""The embeddings of source and target, and checks of their ids."""

from keras import ops

from tf_transformer.ids import BOS_ID, PAD_ID
from tf_transformer.layers.base import check_sizes
from tf_transformer.layers.embedding import TokenEmbedding
from tf_transformer.layers.token_ids import check_token_ids


def token_embeddings(vocab_size, target_vocab_size, d_model, dtype, output_bias=False):
    """Makes the embeddings of source and target.

    Args:
        vocab_size: Integer. Size of the vocabulary, or of the source's.
        target_vocab_size: Optional integer. Size of the target's own vocabulary.
        d_model: Integer. Width of the vectors.
        dtype: Keras dtype policy.
        output_bias: Whether the target's logits have a bias. Defaults to `False`.

    Returns:
        Two layers; without `target_vocab_size` both are the same layer.

    Example:

    >>> source, target = token_embeddings(23, None, 8, "float32")
    >>> source is target
    True
    """

    arguments = {"d_model": d_model, "dtype": dtype}
    is_shared = target_vocab_size is None
    source = TokenEmbedding(
        vocab_size=vocab_size,
        output_bias=output_bias and is_shared,
        name="embedding",
        **arguments,
    )
    if is_shared:
        return source, source
    check_sizes(target_vocab_size=target_vocab_size)
    target = TokenEmbedding(
        vocab_size=target_vocab_size,
        output_bias=output_bias,
        name="target_embedding",
        **arguments,
    )
    return source, target


def check_ids(model, token_ids, name, training):
    """Checks the ids that a model's `encode` or `decode` receives.

    Args:
        model: A `SequenceModel`.
        token_ids: Ids `(B, L)`.
        name: "source_ids" or "target_ids".
        training: In training the values are not checked; `data.batches` checks them.

    Returns:
        int32 tensor `(B, L)`.

    Raises:
        ValueError: See `check_token_ids`.
    """
    is_source = name == "source_ids"
    embedding = model.source_embedding if is_source else model.target_embedding
    vocab_size = None if training else embedding.vocab_size
    return check_token_ids(token_ids, name, model.max_length, vocab_size)


def check_start_id(start_id, vocab_size):
    """Checks the id of a decoder's first input.

    Args:
        start_id: Integer or `None`.
        vocab_size: Integer. Size of the target's vocabulary.

    Raises:
        ValueError: If it is neither `None` nor an id of the vocabulary.
    """
    is_id = isinstance(start_id, int) and not isinstance(start_id, bool)
    if start_id is not None and not (is_id and 0 <= start_id < vocab_size):
        raise ValueError(
            "start_id is the id of the decoder's first input. Expected an integer of "
            f"at least 0 and below {vocab_size}, or None. Received: {start_id!r}"
        )


def target_vectors(model, target_ids, position=0):
    """Embeds the target ids; at position 0 it embeds the model's `start_id`.

    Args:
        model: A `Transformer`.
        target_ids: Ids `(B, T)`.
        position: Integer or scalar tensor, the position of `target_ids[:, 0]`.

    Returns:
        Tensor `(B, T, D)`.
    """
    if model.start_id == BOS_ID:
        return model.target_embedding(target_ids)
    # count positions instead of using the length, which may be unknown
    offsets = ops.cumsum(ops.ones_like(target_ids, "int32"), axis=1) - 1
    is_start = ops.equal(offsets + position, 0)
    start_id = PAD_ID if model.start_id is None else model.start_id
    x = model.target_embedding(ops.where(is_start, start_id, target_ids))
    return ops.where(is_start[..., None], 0, x) if model.start_id is None else x
