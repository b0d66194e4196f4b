"""What goes into Cooly's endpoints and comes out of them, spelled as its script spells it."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_OUTPUTS = 15
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Password = Annotated[str, Meta(min_length=1, max_length=1024)]
NewPassword = Annotated[str, Meta(min_length=8, max_length=1024)]
Key = Annotated[str, Meta(min_length=1, max_length=200)]


class LoginBody(Struct):
    """Who, and the proof."""

    email: Annotated[str, Meta(max_length=1024)]
    password: Password


class RegisterBody(Struct):
    """A new account."""

    email: Email
    password: NewPassword


class User(Struct):
    """An account as its owner sees it."""

    id: str
    email: str
    credits: int


class Session(Struct, kw_only=True):
    """What login answers."""

    token: str
    id: str
    email: str
    credits: int


class Done(Struct):
    """Nothing more to say."""

    ok: bool = True


class GenerateBody(Struct, rename=None):
    """An order of images; ``clientKey`` makes it idempotent."""

    # Its absence is a 400 with words of its own, so the type lets it through.
    prompt: Annotated[str, Meta(max_length=4000)] = ""
    model: Annotated[str, Meta(max_length=64)] = "seedream-4-0-t2i-250415"
    outputs: Annotated[int, Meta(ge=1, le=MAX_OUTPUTS)] = 1
    clientKey: Key | UnsetType = UNSET  # noqa: N815 - as the contract spells it
    size: Annotated[str, Meta(max_length=32)] = "2K"
    guidance_scale: float = 2.5
    negative_prompt: Annotated[str, Meta(max_length=4000)] = ""
    ref_image_url: Annotated[str, Meta(max_length=2000)] = ""
    ref_image_urls: Annotated[list[str], Meta(max_length=10)] = []
    seed: int | None = None
    watermark: bool = False
    aspect_ratio: Annotated[str, Meta(max_length=16)] = "1:1"


class Accepted(Struct):
    """The order is in the queue."""

    session_id: str
    clientKey: str  # noqa: N815 - as the contract spells it
    state: str
    reserved: int


class Generation(Struct):
    """How far an order is; times in ISO 8601."""

    session_id: str
    clientKey: str  # noqa: N815 - as the contract spells it
    prompt: str
    state: str
    outputs: int
    images: list[str]
    error: str | None
    created_at: str
    updated_at: str


class History(Struct):
    """A page of orders, newest first."""

    items: list[Generation]
    total: int


class HistoryQuery(Struct):
    """Which page."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class TopUpBody(Struct):
    """Credits for an account; ``expires_in_s`` None: for ever."""

    email: Annotated[str, Meta(max_length=1024)]
    credits: Annotated[int, Meta(ge=1, le=1_000_000)]
    expires_in_s: Annotated[int, Meta(ge=1, le=10**9)] | None = None


class DeadLetter(Struct):
    """An order that could not be worked off."""

    id: str
    session_id: str
    reason: str
    created_at: str


class DeadLetters(Struct):
    """All of them."""

    messages: list[DeadLetter]


class Purged(Struct):
    """How many are gone."""

    purged: int


class Consistency(Struct):
    """Whether the books agree; ``faults`` says where they do not."""

    consistent: bool
    faults: list[str]
    balance: int
    ledger: int
    lots: int
    reserved: int
    captured: int
    released: int
    outbox: int
