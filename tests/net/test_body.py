"""Request bodies: what scripts pass becomes bytes or a stream, with a length and a type."""

import gzip
import io
import random
import zlib
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.net.body import FORM_TYPE, JSON_TYPE, Body, compress, encode_body
from swell.net.failure import REQUEST_BODY, FailureError


def sent(body: Body | None) -> bytes:
    """The bytes that go out; the announced length, where there is one, is theirs."""
    assert body is not None
    content = body.content if isinstance(body.content, bytes) else b"".join(body.content)
    assert body.length is None or body.length == len(content)
    return content


BYTES = [
    ({"content": "text \xfc"}, b"text \xc3\xbc", None),
    ({"content": b"raw"}, b"raw", None),
    ({"content": b""}, b"", None),
    ({"content": bytearray(b"raw")}, b"raw", None),
    ({"data": "text"}, b"text", None),
    ({"data": b"raw"}, b"raw", None),
    (
        {"data": {"a": "1 2", "b": ["x", "y"], "n": None, "t": True, "i": 3}},
        b"a=1+2&b=x&b=y&t=true&i=3",
        FORM_TYPE,
    ),
    ({"data": [("a", "1"), ("a", "2")]}, b"a=1&a=2", FORM_TYPE),
    ({"data": {}}, b"", FORM_TYPE),
    ({"json": {"a": [1, None, "\xfc"]}}, b'{"a":[1,null,"\xc3\xbc"]}', JSON_TYPE),
    ({"json": []}, b"[]", JSON_TYPE),
    ({"json": 0}, b"0", JSON_TYPE),
]


@pytest.mark.parametrize(("given_", "content", "content_type"), BYTES, ids=range(len(BYTES)))
def test_bytes(given_, content, content_type):
    """Text, forms and JSON are bytes at once, and can be sent again."""
    body = encode_body(**given_)
    assert sent(body) == content
    assert body is not None
    assert body.content_type == content_type
    assert body.again() is body
    assert not body.is_stream


def test_no_body():
    """Nothing given is no body, which is not the same as an empty one."""
    assert encode_body() is None
    assert encode_body(files={}) is None
    assert encode_body(data="") is not None


FAULTS = [
    ({"json": object()}, "json= cannot be encoded"),
    ({"json": {1: {2: {3, object}}}}, "json= cannot be encoded"),
    ({"json": 1, "data": 2}, "data= and json= were given"),
    ({"content": "x", "files": {"f": b"x"}}, "files= cannot be combined"),
    ({"content": 5}, "a body cannot be made of int"),
    ({"content": {"a": 1}}, "objects go into json="),
    ({"data": {"a": {"b": 1}}}, "the value of 'a' is a dict"),
    ({"content": io.StringIO("x")}, "binary mode"),
    ({"files": {"f": io.StringIO("x")}}, "binary mode"),
    ({"files": {"f": 5}}, "the file 'f' is a int"),
    ({"files": {"f": ("name",)}}, "is not \\(filename, content"),
    ({"files": {"f": b"x"}, "data": "text"}, "data= must be a mapping"),
    ({"files": {"f": b"x"}, "data": {"a": object()}}, "the field 'a' is a object"),
]


@pytest.mark.parametrize(("given_", "message"), FAULTS, ids=[message for _, message in FAULTS])
def test_faults(given_, message):
    """What has no meaning is a TypeError that says what to do."""
    with pytest.raises(TypeError, match=message):
        encode_body(**given_)


@given(st.lists(st.tuples(st.text(), st.text())))
def test_forms_round_trip(pairs):
    """Any form decodes to what was given."""
    pairs = [tuple(part.encode("utf-8", "ignore").decode() for part in pair) for pair in pairs]
    body = encode_body(data=pairs)
    assert parse_qsl(sent(body).decode(), keep_blank_values=True) == pairs


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ).filter(lambda value: value is not None)
)
def test_json_round_trips(value):
    """JSON decodes to what was given."""
    assert msgspec.json.decode(sent(encode_body(json=value))) == value


def test_iterators_are_chunked_and_sent_once():
    """A generator has no length; empty pieces, which would end a chunked body, are left out."""
    body = encode_body(content=(piece for piece in ["a", b"", b"b", ""]))
    assert body is not None
    assert body.length is None
    assert body.again() is None
    assert list(body.content) == [b"a", b"b"]


def test_lists_of_pieces_can_be_sent_again():
    """What can be gone through twice can follow a redirect."""
    body = encode_body(content=[b"a", b"b"])
    assert body is not None
    assert sent(body) == b"ab"
    assert sent(body.again()) == b"ab"


def test_files_are_streamed(tmp_path):
    """A file goes out whole, in pieces, with its length, and again after a redirect."""
    path = tmp_path / "big.bin"
    path.write_bytes(b"0123456789" * 20_000)
    with path.open("rb") as file:
        body = encode_body(content=file)
        assert body is not None
        assert body.is_stream
        assert body.length == 200_000
        pieces = list(body.content)
        assert len(pieces) > 1
        assert b"".join(pieces) == path.read_bytes()
        assert sent(body.again()) == path.read_bytes()


@pytest.mark.parametrize("option", ["content", "files"])
def test_a_file_that_requests_share_is_whole_in_each(tmp_path, option):
    """Opened once for all VUs: whole in the second request, and in two whose pieces alternate."""
    path = tmp_path / "big.bin"
    path.write_bytes(random.Random(7).randbytes(300_000))
    with path.open("rb") as file:
        given = file if option == "content" else {"file": file}
        bodies = [encode_body(**{option: given}, boundary="B") for _ in range(3)]
        wanted = sent(encode_body(**{option: given}, boundary="B"))
        assert path.read_bytes() in wanted
        first, second, third = bodies
        taken = [(left, right) for left, right in zip(first.content, second.content, strict=True)]
        assert b"".join(left for left, _ in taken) == wanted
        assert b"".join(right for _, right in taken) == wanted
        assert third.length == len(wanted)
        assert sent(third) == wanted


class Pipe(io.RawIOBase):
    """A source that cannot be measured."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """Some of it."""
        return self._inner.read(size)


def test_pipes_have_no_length():
    """What cannot seek is sent in chunks."""
    body = encode_body(data=Pipe(b"abc"))
    assert body is not None
    assert body.length is None
    assert body.again() is None
    assert sent(body) == b"abc"


def test_a_file_that_shrinks_is_a_failure():
    """The announced length is kept, or the exchange fails; a file that grows is cut."""
    file = io.BytesIO(b"x" * 100)
    body = encode_body(content=file)
    assert body is not None
    file.truncate(50)
    with pytest.raises(FailureError) as caught:
        list(body.content)
    assert caught.value.failure.code == REQUEST_BODY
    grown = io.BytesIO(b"x" * 100)
    body = encode_body(content=grown)
    grown.seek(0, io.SEEK_END)
    grown.write(b"y" * 100)
    assert sent(body) == b"x" * 100


def test_a_file_that_is_closed_is_a_failure():
    """Reading may fail while it is sent."""
    file = io.BytesIO(b"x")
    body = encode_body(content=file)
    file.close()
    assert body is not None
    with pytest.raises(FailureError) as caught:
        list(body.content)
    assert caught.value.failure.code == REQUEST_BODY


def parts_of(body: Body | None) -> list[tuple[str | None, str | None, str, bytes]]:
    """Name, file name, content type and content of each part, by the standard library's parser."""
    assert body is not None
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + sent(body))
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def test_multipart(tmp_path):
    """Fields come first, then the files in every form that requests takes."""
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG")
    with path.open("rb") as file:
        body = encode_body(
            data={"field": "\xfc", "many": ["1", "2"], "none": None},
            files=[
                ("plain", "text"),
                ("named", ("a.json", b"{}")),
                ("typed", ("b", b"x", "text/csv")),
                ("headed", ("c", b"y", "text/csv", {"X-Extra": "1"})),
                ("nameless", (None, b"value")),
                ("opened", file),
            ],
        )
        assert body is not None
        assert body.is_stream
        assert parts_of(body) == [
            ("field", None, "text/plain", "\xfc".encode()),
            ("many", None, "text/plain", b"1"),
            ("many", None, "text/plain", b"2"),
            ("plain", "plain", "application/octet-stream", b"text"),
            ("named", "a.json", "application/json", b"{}"),
            ("typed", "b", "text/csv", b"x"),
            ("headed", "c", "text/csv", b"y"),
            ("nameless", None, "text/plain", b"value"),
            ("opened", "photo.png", "image/png", b"\x89PNG"),
        ]
        assert parts_of(body.again())[-1][-1] == b"\x89PNG"


def test_multipart_in_bytes():
    """Without open files the body is bytes; the boundary can be chosen."""
    body = encode_body(files={"f": ("n", b"x", "text/plain")}, boundary="B")
    assert sent(body) == (
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n'
        b"Content-Type: text/plain\r\n\r\nx\r\n--B--\r\n"
    )
    assert body is not None
    assert body.content_type == "multipart/form-data; boundary=B"


def test_multipart_of_a_pipe():
    """A file without a length makes the whole body chunked."""
    body = encode_body(files={"p": ("n", Pipe(b"abc"))})
    assert body is not None
    assert body.length is None
    assert parts_of(body)[0][-1] == b"abc"


def test_multipart_names_cannot_break_out():
    """Quotes and line breaks in names are escaped as browsers do; in headers they are refused."""
    body = encode_body(files={'a"\r\nX: y': ('b"\n', b"")}, boundary="B")
    assert b'name="a%22%0D%0AX: y"; filename="b%22%0A"' in sent(body)
    with pytest.raises(ValueError, match="line break"):
        encode_body(files={"f": ("n", b"", "text/plain", {"X": "a\r\nb"})})


@pytest.mark.parametrize(("encoding", "undo"), [("gzip", gzip.decompress), (" Deflate ", zlib.decompress)])
def test_compress(encoding, undo):
    """Bytes become bytes, a stream a stream of unknown length that can be sent again if it could before."""
    packed = compress(Body(b"x" * 1000, 1000, "text/plain"), encoding)
    assert undo(sent(packed)) == b"x" * 1000
    assert packed.length is not None
    assert packed.length < 1000
    assert (packed.content_type, packed.content_encoding) == ("text/plain", encoding.strip().lower())
    stream = encode_body(content=[b"ab"] * 500)
    assert stream is not None
    packed = compress(stream, encoding)
    assert packed.length is None
    assert undo(sent(packed)) == b"ab" * 500
    assert undo(sent(packed.again())) == b"ab" * 500


def test_unknown_compression():
    """An encoding that does not exist is an error that names those that do."""
    with pytest.raises(ValueError, match="'lz4' is not known; use gzip, deflate, br, zstd"):
        compress(Body(b"", 0), "gzip, lz4")
    body = Body(b"x", 1)
    assert compress(body, "") is body
