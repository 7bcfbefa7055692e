"""The ids of padding, unknown, start and end, the same in every vocabulary."""

PAD_ID, UNK_ID, BOS_ID, EOS_ID = 0, 1, 2, 3
