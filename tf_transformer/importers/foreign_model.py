"""A model of another program, and its conversion to a `Translator`."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tf_transformer.importers.names import OUTPUT_BIAS, weight_names
from tf_transformer.importers.vocabulary import Rows, Vocabularies
from tf_transformer.importers.weights import ForeignWeights, variable_at
from tf_transformer.inference.shortlist import LexicalShortlist
from tf_transformer.inference.translator import Translator
from tf_transformer.layers import Decoder, SSRUDecoder
from tf_transformer.models import Transformer

MIN_WEIGHTS = 10  # of a layer
DECODERS = {"self_attention": Decoder, "ssru": SSRUDecoder}


@dataclasses.dataclass
class ForeignModel:
    """The contents of a folder, as read by an importer.

    Args:
        kind: `"marian"` or `"hugging_face"`.
        arguments: Arguments of `Transformer` except `vocab_size` and
            `target_vocab_size`; `decoder` is a key of `DECODERS`.
        vocabularies: The tokenizer, and the embedding row of each of its tokens.
        weights: The weights.
        embeddings: Names that the source's embedding may have, and the target's.
        shortlist: The lexical shortlist, if the folder has one.
    """

    kind: str
    arguments: dict
    vocabularies: Vocabularies
    weights: ForeignWeights
    embeddings: tuple[Sequence[str], Sequence[str]]
    shortlist: LexicalShortlist | None = None

    def translator(self) -> Translator:
        """Builds a `Translator` with these weights.

        The weights are moved, not copied: a second call fails.

        Raises:
            ValueError: If a weight is missing, has another shape, or is not known.
        """
        self._check_sizes()
        tokenizer = self.vocabularies.tokenizer
        decoder = DECODERS[self.arguments["decoder"]]
        model = Transformer(
            tokenizer.vocab_size,
            target_vocab_size=tokenizer.target_vocab_size,
            num_layers=self.arguments["num_encoder_layers"],  # shown by `info`
            **{**self.arguments, "decoder": decoder},
        )
        for path, foreign, is_transposed in weight_names(self.arguments, self.kind):
            variable = variable_at(model, path)
            shape = tuple(variable.shape)
            array = self.weights.take(foreign, shape[::-1] if is_transposed else shape)
            variable.assign(array.T if is_transposed else array)
        _, source, target = self.vocabularies
        self._assign_embedding(model.source_embedding, self.embeddings[0], source)
        if model.target_embedding is not model.source_embedding:
            self._assign_embedding(model.target_embedding, self.embeddings[1], target)
        bias = self.weights.take(OUTPUT_BIAS[self.kind], (target.count,))
        model.target_embedding.output_bias.assign(target.bias(bias))
        self.weights.check_all_taken()
        return Translator(model, tokenizer)

    def _check_sizes(self) -> None:
        """Checks the sizes against the file before a model of these sizes is built.

        Raises:
            ValueError: If the file contains other weights.
        """
        sizes = self.arguments
        num_layers = sizes["num_encoder_layers"] + sizes["num_decoder_layers"]
        if num_layers * MIN_WEIGHTS > len(self.weights):
            raise ValueError(
                "The file does not contain the layers that its settings describe. "
                f"Expected {num_layers} layers. Received: {len(self.weights)} weights"
            )
        shape = (self.vocabularies.source.count, sizes["d_model"])
        self.weights.check(self.weights.present(self.embeddings[0])[0], shape)
        for path, foreign, is_transposed in weight_names(sizes, self.kind):
            if path.endswith("inner_dense.kernel"):
                shape = (sizes["d_model"], sizes["d_ff"])
                self.weights.check(foreign, shape[::-1] if is_transposed else shape)

    def _assign_embedding(self, embedding, names: Sequence[str], rows: Rows) -> None:
        shape = (rows.count, self.arguments["d_model"])
        matrix: np.ndarray = self.weights.take_tied(names, shape)
        embedding.matrix.embeddings.assign(rows.embedding(matrix))
