"""Content decoding: what was encoded comes back; bombs, cut and mangled bodies are failures."""

import gzip
import os
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from swell.net.body import Body, compress
from swell.net.decode import decode
from swell.net.failure import BODY_TOO_LARGE, DECOMPRESSION, Failure

LIMIT = 1 << 20
TEXT = b"swell " * 1000 + os.urandom(500)


def _raw(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def _zstd_stream(data: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor().compressobj()  # without the content's size
    return compressor.compress(data) + compressor.flush()


ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", _raw),
    ("br", brotli.compress),
    ("zstd", zstandard.ZstdCompressor().compress),
    ("zstd", _zstd_stream),
]
each_encoder = pytest.mark.parametrize(
    ("name", "encode"), ENCODERS, ids=lambda value: getattr(value, "__name__", value)
)


@each_encoder
@pytest.mark.parametrize(
    "data", [b"x", TEXT, b"\x00" * LIMIT, os.urandom(5000)], ids=["one", "text", "zeros", "noise"]
)
def test_round_trip(name, encode, data):
    """Each encoding comes back as it was, up to the very limit."""
    assert decode(encode(data), name, LIMIT) == data
    assert decode(encode(data), name.upper().encode(), len(data)) == data


@each_encoder
def test_bombs(name, encode):
    """A body larger than the limit is a failure, whatever it was compressed to."""
    found = decode(encode(b"\x00" * (LIMIT + 1)), name, LIMIT)
    assert isinstance(found, Failure)
    assert found.code == BODY_TOO_LARGE


@each_encoder
def test_cut_short(name, encode):
    """A body that ends anywhere before its end is a failure, never a shorter body."""
    encoded = encode(TEXT)
    for length in [1, 2, 5, 10, *range(20, len(encoded), 97), len(encoded) - 1]:
        found = decode(encoded[:length], name, LIMIT)
        assert isinstance(found, Failure), length
        assert found.code == DECOMPRESSION


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize(
    "data", [b"<html>no</html>", b"\x1f\x8b\x08", b"\x78\x9cxxxx", b"\x28\xb5\x2f\xfdxxxxxxxx", b"\xff" * 99]
)
def test_garbage(name, data):
    """What is no such stream is a failure 1701 that names the encoding."""
    found = decode(data, name, LIMIT)
    assert isinstance(found, Failure)
    assert found.code == DECOMPRESSION
    assert name in found.message


@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.binary(max_size=100))
def test_any_bytes(name, data):
    """Decoding never raises."""
    found = decode(data, name, LIMIT)
    assert isinstance(found, (bytes, Failure))


@given(
    st.binary(min_size=1, max_size=2000),
    st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd"]), max_size=4),
)
def test_stacked_encodings(data, names):
    """Any stack of encodings that ``compress`` applies is undone in reverse order."""
    packed = compress(Body(data, len(data)), ",".join(names))
    assert isinstance(packed.content, bytes)
    assert decode(packed.content, packed.content_encoding or "", LIMIT) == data


def test_unknown_encodings_are_left_alone():
    """What we cannot undo stays, and so does what lies under it; identity is nothing."""
    inner = gzip.compress(b"x")
    assert decode(inner, "gzip, aws-chunked", LIMIT) == inner
    assert decode(gzip.compress(inner), "unknown, gzip", LIMIT) == inner
    assert decode(inner, "identity, gzip, identity", LIMIT) == b"x"
    assert decode(b"x", "", LIMIT) == b"x"
    assert decode(b"", "gzip", LIMIT) == b""


def test_too_many_layers():
    """A tower of encodings is refused before it is climbed."""
    found = decode(b"x", ",".join(["gzip"] * 6), LIMIT)
    assert isinstance(found, Failure)
    assert found.code == DECOMPRESSION


def test_members_and_frames():
    """Several gzip members or zstd frames are one body; after gzip, zero padding is ignored, junk is not."""
    assert decode(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", LIMIT) == b"ab"
    assert decode(gzip.compress(b"a") + b"\x00" * 9, "gzip", LIMIT) == b"a"
    assert isinstance(decode(gzip.compress(b"a") + b"junk", "gzip", LIMIT), Failure)
    frames = [zstandard.ZstdCompressor().compress(b"a" * 3000), _zstd_stream(b"b" * 3000)]
    assert decode(frames[0] + frames[1], "zstd", LIMIT) == b"a" * 3000 + b"b" * 3000
    assert decode(frames[1] + frames[0], "zstd", LIMIT) == b"b" * 3000 + b"a" * 3000
    assert isinstance(decode(frames[0] + b"junk", "zstd", LIMIT), Failure)
    assert isinstance(decode(frames[0] * 2, "zstd", 5000), Failure)
