"""The body of a request: its size and its encoding."""

import asyncio
import contextlib
import zlib

from starlette.requests import ClientDisconnect, Request

from tf_transformer.serving.errors import RequestError, invalid

GZIP = 16 + zlib.MAX_WBITS  # zlib's code for data with a gzip header
# how long the rest of a too large body is read, and its maximum size as a multiple of
# the limit; many clients read the answer only after they have sent the whole body
DISCARD_SECONDS, DISCARD_TIMES = 1.0, 16


async def read_body(request: Request, max_size: int) -> bytes:
    """The body of a request, decompressed.

    Args:
        request: The request, with `Content-Encoding` gzip or none.
        max_size: Maximum number of bytes, before and after decompression.

    Raises:
        RequestError: If it is too large, has another encoding or is not gzip data, or
            if the client disconnects.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise RequestError(
            "UNSUPPORTED_MEDIA_TYPE",
            "The body of a request may be compressed with gzip only. Received: "
            f"Content-Encoding: {encoding}",
            {"Accept-Encoding": "gzip"},
        )
    body = await _read(request, max_size)
    return _decompress(body, max_size) if "gzip" in encoding else body


def client_gone() -> RequestError:
    """Returns the error for a request whose client has disconnected."""
    return RequestError("CANCELLED", "The client has disconnected.")


async def _read(request: Request, max_size: int) -> bytes:
    length = request.headers.get("content-length", "")
    declared = int(length) if length.isdecimal() else 0
    if declared > DISCARD_TIMES * max_size:
        raise _too_large(max_size)
    chunks, size = [], 0
    limit = DISCARD_SECONDS if declared > max_size else None
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit) as end:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size <= max_size:
                        chunks.append(chunk)
                    elif end.when() is None:
                        now = asyncio.get_running_loop().time()
                        end.reschedule(now + DISCARD_SECONDS)
    except ClientDisconnect as error:
        raise client_gone() from error
    if max(declared, size) > max_size:
        raise _too_large(max_size)
    return b"".join(chunks)


def _decompress(body: bytes, max_size: int) -> bytes:
    decompressor = zlib.decompressobj(GZIP)
    try:
        text = decompressor.decompress(body, max_size + 1)
    except zlib.error as error:
        raise invalid(f"The body is not gzip data: {error}") from error
    if len(text) > max_size:
        raise _too_large(max_size)
    if not decompressor.eof or decompressor.unused_data:
        raise invalid(
            "The body is not gzip data: it is truncated, or other data follows it."
        )
    return text


def _too_large(max_size: int) -> RequestError:
    return RequestError(
        "TOO_LARGE",
        f"The body of a request may have at most {max_size} bytes.",
        {"Connection": "close"},
    )
