"""UTF-8 in tensor operations; malformed bytes are handled as in SentencePiece."""

import tensorflow as tf

REPLACEMENT = 0xFFFD  # U+FFFD replaces each malformed byte
LONGEST = 4  # bytes of a character
SEPARATOR = 0xFF  # no byte of well-formed UTF-8


def read_characters(values):
    """Reads a character at every byte.

    Bytes that do not start a character, incomplete characters, overlong forms,
    surrogates, and code points above U+10FFFF are malformed.

    Args:
        values: int32 tensor `(N,)`: the bytes of all texts, with `SEPARATOR`, which no
            character contains, between two texts.

    Returns:
        code_points: int32 tensor `(N,)`: the character that starts at each byte.
        sizes: int32 tensor `(N,)`: its number of bytes, 1 to 4, or 0 if no
            well-formed character starts there.
        is_inside: Bool tensor `(N,)`, `True` at the second and later bytes of a
            well-formed character.

    Example:

    >>> values = tf.constant([0xC3, 0xA9, 0xA9])  # é and a stray byte
    >>> code_points, sizes, is_inside = read_characters(values)
    >>> [value.numpy().tolist() for value in (code_points[:1], sizes, is_inside)]
    [[233], [2, 0, 0], [False, True, False]]
    """
    first = values
    tails = []
    for distance in range(1, LONGEST):
        tail = _from_the_right(values, distance)
        is_tail = tf.equal(tf.bitwise.bitwise_and(tail, 0xC0), 0x80)
        tails.append((tf.bitwise.bitwise_and(tail, 0x3F), is_tail))
    (second, has_second), (third, has_third), (fourth, has_fourth) = tails
    has_third &= has_second
    has_fourth &= has_third
    two = (first - 0xC0) * 64 + second
    three = ((first - 0xE0) * 64 + second) * 64 + third
    four = (((first - 0xF0) * 64 + second) * 64 + third) * 64 + fourth
    is_surrogate = (three >= 0xD800) & (three <= 0xDFFF)
    is_one = first < 0x80
    is_two = has_second & (first >= 0xC2) & (first < 0xE0)
    is_three = has_third & (first >= 0xE0) & (first < 0xF0)
    is_three &= (three >= 0x800) & ~is_surrogate
    is_four = has_fourth & (first >= 0xF0) & (four >= 0x10000) & (four <= 0x10FFFF)
    choices = [(is_one, first), (is_two, two), (is_three, three), (is_four, four)]
    code_points = tf.fill(tf.shape(values), REPLACEMENT)
    sizes = tf.zeros_like(values)
    for size, (is_chosen, code_point) in enumerate(choices, start=1):
        code_points = tf.where(is_chosen, code_point, code_points)
        sizes = tf.where(is_chosen, size, sizes)
    is_inside = tf.zeros_like(is_one)
    for distance in range(1, LONGEST):
        is_inside |= _from_the_left(sizes, distance) > distance
    return code_points, sizes, is_inside


def character_sizes(code_points):
    """Number of bytes of each code point in UTF-8.

    Example:

    >>> character_sizes(tf.constant([0x41, 0xE9, 0xAC00, 0x1F600])).numpy().tolist()
    [1, 2, 3, 4]
    """
    sizes = tf.ones_like(code_points)
    for limit in (0x80, 0x800, 0x10000):
        sizes += tf.cast(code_points >= limit, tf.int32)
    return sizes


def character_bytes(code_points, indices):
    """One byte of each code point's UTF-8 form.

    Args:
        code_points: int32 tensor `(N,)`.
        indices: int32 tensor `(N,)`: index of the byte, from 0.

    Returns:
        int32 tensor `(N,)`.

    Example:

    >>> character_bytes(tf.fill([2], 0xE9), tf.constant([0, 1])).numpy().tolist()
    [195, 169]
    """
    sizes = character_sizes(code_points)
    shifts = 6 * (sizes - 1 - indices)
    head = tf.gather(tf.constant([0, 0, 0xC0, 0xE0, 0xF0]), sizes)
    shifted = tf.bitwise.right_shift(code_points, shifts)
    tail = 0x80 + tf.bitwise.bitwise_and(shifted, 0x3F)
    return tf.where(tf.equal(indices, 0), head + shifted, tail)


def _from_the_right(values, distance):
    return tf.pad(values[distance:], [[0, _missing(values, distance)]])


def _from_the_left(values, distance):
    missing = _missing(values, distance)
    kept = values[: tf.shape(values)[0] - missing]
    return tf.pad(kept, [[missing, 0]])


def _missing(values, distance):
    return tf.minimum(distance, tf.shape(values)[0])
