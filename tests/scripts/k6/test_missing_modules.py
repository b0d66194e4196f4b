"""Modules of k6 that this version does not have."""

import pytest

from swell.testing.k6 import Trial, TrialError


@pytest.mark.parametrize("name", ["k6/browser", "k6/net/grpc"])
def test_importing_one_says_so(name: str) -> None:
    """It fails when the script is loaded, in one line that names the module, without a wrong guess."""
    with pytest.raises(
        TrialError, match=f'"{name}": .* not supported yet in this version of swell'
    ) as caught:
        Trial(f'import x from "{name}"; export default () => 1;')
    assert "did you mean" not in caught.value.text


def test_redis_has_its_name_as_an_extension_too() -> None:
    """Scripts written for k6 2 import the client as the extension that it became."""
    source = (
        'import redis from "k6/x/redis"; import same from "k6/experimental/redis";'
        " export default () => redis === same && typeof redis.Client"
    )
    assert Trial(source).run() == "function"
