"""Text that can be written."""

from hypothesis import given
from hypothesis import strategies as st

from swell.base.text import well_formed


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_any_text_can_be_written_afterwards(text: str) -> None:
    """Property: what comes out is UTF-8, as long as before, and the same where it was UTF-8 already."""
    written = well_formed(text).encode()
    assert len(written.decode()) == len(text)
    assert written == text.encode("utf-8", "surrogatepass") or "\ufffd" in written.decode()
