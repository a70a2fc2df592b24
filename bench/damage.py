"""Damage bytes at random, as transfers, editors and attackers do."""

import random

SPECIAL = [
    b'"',
    b"'",
    b",",
    b";",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{",
    b"]",
    b"\\u",
]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled or put in."""
    data = bytearray(content)
    for _ in range(chance.randrange(6)):
        at, size = chance.randrange(len(data) + 1), chance.randrange(1, 40)
        junk = chance.choice(
            [chance.choice(SPECIAL), chance.randbytes(size), bytes(data[at : at + size]) * 2, b""]
        )
        data[at : at + chance.choice([0, 1, size])] = junk
    return bytes(data)
