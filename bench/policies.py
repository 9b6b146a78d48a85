"""Time that the policy fragments' expressions take for a call, in mono on this machine: `python -m bench.policies`.

API Management runs them in .NET, which is faster; the numbers tell which bodies cost anything at all.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.gateway.calls import call
from tests.gateway.pipeline import Gateway
from tests.records import CHAT_REQUEST, USAGE, chat_answer, chunk, sse
from tests.test_counting_media import data_url, png

RUNS = 7
STREAMED = CHAT_REQUEST | {"stream": True}


def stream(chunks: int) -> str:
    """Return a chat stream of so many chunks, of about 230 bytes each."""
    pieces = (chunk(f" word{place % 97}", logprobs=None, usage=None) for place in range(chunks))
    return sse(*pieces, chunk(finish="stop"))


def picture(size: int) -> dict[str, Any]:
    """Return a request with a picture of so many bytes."""
    part = {"type": "image_url", "image_url": {"url": data_url(png(640, 480) + bytes(size))}}
    return {"messages": [{"role": "user", "content": [part]}]}


CALLS = {
    "a chat of 1 KB": call(response=chat_answer("word " * 150, usage=USAGE)),
    "a stream of 100 chunks": call(request=STREAMED, response=stream(100)),
    "a stream of 1 MB": call(request=STREAMED, response=stream(4_400)),
    "a stream of 5 MB": call(request=STREAMED, response=stream(22_000)),
    "a picture of 1 MB": call(request=picture(1_000_000)),
    "a prompt of 3 MB": call(request={"messages": [{"role": "user", "content": "some words " * 280_000}]}),
}


def main() -> None:
    """Print the median of several runs for each call."""
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(Path(folder))
        for name, told in CALLS.items():
            gateway.run([told])
            took = [came["milliseconds"] for came in gateway.run([told] * RUNS)]
            print(f"{name:26} {statistics.median(took):8.1f} ms")
        gateway.close()


if __name__ == "__main__":
    main()
