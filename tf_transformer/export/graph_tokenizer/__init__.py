"""The SentencePiece tokenizer as core TensorFlow operations."""
