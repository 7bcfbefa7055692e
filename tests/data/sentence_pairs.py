"""English sentences with their Korean translations, for small tokenizers."""

PAIRS = [
    ("The student reads a book.", "학생이 책을 읽는다."),
    ("The teacher reads two books.", "선생님이 책 두 권을 읽는다."),
    ("A student wrote a letter to the teacher.", "학생이 선생님께 편지를 썼다."),
    ("The letter was too long.", "편지가 너무 길었다."),
]
