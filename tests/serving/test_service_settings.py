"""Settings of the service that make no sense are refused."""

import pytest

from tf_transformer.serving.settings import ServiceSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1. Received: 0"),
        ({"timeout": 0}, "timeout must be a positive number of seconds"),
        ({"timeout": float("inf")}, "timeout must be a positive number"),
        ({"poll_seconds": float("nan")}, "poll_seconds must be a positive number"),
        ({"allowed_hosts": ("a.org:80",)}, "without scheme and port. Received: a.org"),
        ({"allowed_hosts": ("https://a.org",)}, "without scheme and port"),
        ({"allowed_origins": ("https://a.org/",)}, "such as https://example.org"),
        ({"allowed_origins": ("a.org",)}, "such as https://example.org"),
        ({"allowed_hosts": ("*.a.org",)}, r"or \* for all. Received: \*.a.org"),
        ({"batch_delay": -1}, "batch_delay must be a number of seconds, at least 0"),
        ({"batch_delay": float("nan")}, "at least 0. Received: nan"),
        ({"batch_delay": float("inf")}, "at least 0. Received: inf"),
        (
            {"queue_size": 5, "max_sentences": 6},
            "max_sentences=6. Received: 5",
        ),
        ({"versions": "some"}, "one of .* Received: some"),
        ({"token": ""}, "must not be empty"),
        ({"token": "ab\ncd"}, r"Received: a token with U\+000A as character 3$"),
    ],
)
def test_settings_that_make_no_sense(wrong, message):
    with pytest.raises(ValueError, match=message):
        ServiceSettings(**wrong)
