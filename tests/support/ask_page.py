"""Ask a running page for its health and for one prediction: `python ask_page.py ADDRESS FILM`, prints the answer.

Needs only what the page itself needs. The GitHub workflow pipes it into the container.
"""

import json
import sys
from urllib.request import ProxyHandler, build_opener

from gradio_client import Client, handle_file

address, film = sys.argv[1:]
with build_opener(ProxyHandler({})).open(f"{address}/health", timeout=60) as response:
    assert (response.status, response.read()) == (200, b"ready")
answer = Client(address, verbose=False).predict(handle_file(film), api_name="/predict")
print(json.dumps(answer))
assert answer["label"] == "Normal", "the example of a normal film"
