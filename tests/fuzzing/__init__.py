"""Hostile input for everything that reads text, files or requests.

`pytest tests/fuzzing` tries a few hundred changed files of each target. With
`pip install 'tf_transformer[fuzzing]'`, a fuzzer guided by coverage tries many more:

    python -m tests.fuzzing --inputs 100000
"""
