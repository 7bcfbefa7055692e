"""The SentencePiece tokenizer as core TensorFlow operations.

`tokenizer.py` uses the other files: text is normalized (`normalization.py`), split into
pieces (`segmentation.py` for unigram models, `merges.py` for BPE), and ids become text
again (`surfaces.py`).
"""
