"""Token ids and embeddings of a model's two sides."""

from tf_transformer.layers.base import check_sizes
from tf_transformer.layers.embedding import TokenEmbedding
from tf_transformer.layers.token_ids import check_token_ids


def token_embeddings(vocab_size, target_vocab_size, d_model, dtype):
    """Makes the embeddings of source and target.

    Args:
        vocab_size: Integer. Size of the vocabulary, or of the source's.
        target_vocab_size: Optional integer. Size of the target's own vocabulary.
        d_model: Integer. Width of the vectors.
        dtype: Keras dtype policy.

    Returns:
        Two layers; without `target_vocab_size` twice the same.

    Example:

    >>> source, target = token_embeddings(23, None, 8, "float32")
    >>> source is target
    True
    """

    def make(size, name):
        return TokenEmbedding(vocab_size=size, d_model=d_model, dtype=dtype, name=name)

    source = make(vocab_size, "embedding")
    if target_vocab_size is None:
        return source, source
    check_sizes(target_vocab_size=target_vocab_size)
    return source, make(target_vocab_size, "target_embedding")


def check_ids(model, token_ids, name, training):
    """Checks the ids that a model's `encode` or `decode` receives.

    Args:
        model: A `SequenceModel`.
        token_ids: Ids `(B, L)`.
        name: "source_ids" or "target_ids".
        training: In training the values are not read: `data.batches` checks them.

    Returns:
        int32 tensor `(B, L)`.

    Raises:
        ValueError: See `check_token_ids`.
    """
    is_source = name == "source_ids"
    embedding = model.source_embedding if is_source else model.target_embedding
    vocab_size = None if training else embedding.vocab_size
    return check_token_ids(token_ids, name, model.max_length, vocab_size)
