"""Receives completed orders: ORDER_SECRET='whsec_…' python3 receiver.py 8001 (Python 3 alone, no packages)."""

import base64
import hmac
import json
import os
import re
import sys
import time
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

SECRET = os.environ.get("ORDER_SECRET", "")
# After whsec_ the key of the signature is base64; any other secret is the key itself.
KEY = base64.b64decode(SECRET[6:] + "==") if SECRET.startswith("whsec_") else SECRET.encode()
if len(KEY) < 16:
    sys.exit("Set ORDER_SECRET to the whole secret that the sender shows.")


def is_signed(headers: Message, body: bytes) -> bool:
    """Return whether the body was signed with the secret, within five minutes, and is unchanged."""
    sent_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,12}", sent_at) or abs(time.time() - int(sent_at)) > 300:
        return False
    signed = f"{sent_id}.{sent_at}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(KEY, signed, "sha256"))
    # While a secret is replaced the old and the new one both sign, separated by a space; one match is enough.
    return any(hmac.compare_digest(expected, one) for one in headers.get("webhook-signature", "").encode().split(b" "))


def has_secret(fields: dict[str, str]) -> bool:
    """Return whether the order itself contains the secret as the field shared_secret."""
    return hmac.compare_digest(str(fields.get("shared_secret", "")).encode(), SECRET.encode())


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(self.receive())
        self.end_headers()

    def receive(self) -> int:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,6}", length) or int(length) > 262_144:
            return 413
        body = self.rfile.read(int(length))  # the raw bytes, before anything parses them
        if not is_signed(self.headers, body):  # or, once they are read: if not has_secret(order)
            return 401
        is_json = self.headers.get_content_type() == "application/json"
        order = json.loads(body) if is_json else dict(parse_qsl(body.decode()))
        if not isinstance(order, dict) or "order_id" not in order:
            return 400
        # Your code goes here. A webhook-id you've seen before is a copy: store the ids, do nothing, answer 200.
        # order["test"] is "true" (JSON: true) for a test with made-up data.
        print("order", order["order_id"], flush=True)
        return 200


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
