"""An object store that speaks S3: moto's server, in this process."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import secrets
from urllib.parse import urlencode

import urllib3
from moto.server import ThreadedMotoServer

#: What the store takes for credentials.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "packslip-tests",
    "AWS_SECRET_ACCESS_KEY": "not a secret",
    "AWS_REGION": "us-east-1",
}


@functools.cache
def endpoint() -> str:
    """The address of the store, which is started when it is first asked for."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    atexit.register(server.stop)
    os.environ.update(CREDENTIALS)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def new_bucket(prefix: str = "packslip") -> str:
    """The address of a new, empty bucket, as the setting takes it."""
    name = f"test-{secrets.token_hex(8)}"
    answer = urllib3.request("PUT", f"{endpoint()}/{name}")
    assert answer.status == 200
    options = urlencode({"endpoint": endpoint(), "region": CREDENTIALS["AWS_REGION"]})
    return f"s3://{name}/{prefix}?{options}"
