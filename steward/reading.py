"""Read the body of a request: no more than is allowed, and no longer than is decent."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from steward.problem import Problem

BODY_SECONDS = 10.0


async def read_body(request: Request, most: int) -> bytes:
    """The whole body, which is UTF-8; `Problem` when it is not, or is too large or too slow."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("wrong_media_type", "Send the body as it is, not compressed.")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:12]) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _collected(request, most)
    except TimeoutError as error:
        raise Problem(
            "body_too_slow",
            f"Send the whole body within {BODY_SECONDS:.0f} seconds.",
            headers={"Connection": "close"},
        ) from error
    except ClientDisconnect as error:
        raise Problem("malformed_body", "The body was cut off; send it again.") from error
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise Problem(
            "malformed_body", f"The body is not UTF-8 at byte {error.start + 1}; send it in UTF-8."
        ) from error
    return body


async def _collected(request: Request, most: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> Problem:
    return Problem(
        "body_too_large", f"Send {most:,} bytes at most.", headers={"Connection": "close"}
    )
