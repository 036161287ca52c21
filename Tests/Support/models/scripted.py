"""A model server that does what the conversation says, for what no real server does on demand.

It speaks OpenAI's chat completions and Anthropic's messages. The user's last words choose, and every request for the same
words counts on, so a script ends in an answer:

    "429 N"        N times 429 with Retry-After: 1, then the answer
    "429date N"    the same with a date a second ahead
    "500 N"        N times 500, then the answer
    "cut N"        N times a stream that ends in the middle, then the answer
    "rubbish N"    N times a stream that is not JSON, then the answer
    "slow MS"      the answer, a piece every MS milliseconds
    "400 N"        N times 400, then the answer; without N always
    "401 N"        the same with 401
    "call T ARGS"  a call of the tool T (OpenAI only); once it has answered, what it said
    anything else  the answer

The answer is `said: ` and the words, streamed in pieces. Prints `listening ADDRESS`; GET / gives requests by words.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import email.utils
import http.server
import json
import sys
import threading
import time

counts = collections.Counter()
lock = threading.Lock()


def words(body):
    content = [message for message in body["messages"] if message["role"] == "user"][-1]["content"]
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def openai(text):
    """The events of one answer."""
    for piece in pieces(text):
        yield {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def openai_call(tool, arguments):
    """The events of one tool call, its arguments in two pieces."""
    half = len(arguments) // 2
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments[:half]}}
    for piece in (call, {"index": 0, "function": {"arguments": arguments[half:]}}):
        yield {"choices": [{"index": 0, "delta": {"tool_calls": [piece]}, "finish_reason": None}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}


def anthropic(text):
    yield {"type": "message_start", "message": {"usage": {"input_tokens": 1}}}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for piece in pieces(text):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
    yield {"type": "content_block_stop", "index": 0}
    yield {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def pieces(text):
    return [text[at:at + 4] for at in range(0, len(text), 4)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        with lock:
            body = json.dumps(counts).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = words(body)
        with lock:
            counts[said] += 1
            number = counts[said]
        verb, _, amount_text = said.partition(" ")
        amount = int(amount_text) if amount_text.isdigit() else 0
        is_due = number <= amount
        if verb in ("400", "401") and (is_due or not amount):
            return self.refuse(int(verb))
        if verb == "429date" and is_due:
            return self.refuse(429, [("retry-after", email.utils.formatdate(time.time() + 1.5, usegmt=True))])
        if verb == "429" and is_due:
            return self.refuse(429, [("retry-after", "1")])
        if verb == "500" and is_due:
            return self.refuse(500)
        if verb == "call":
            last = body["messages"][-1]
            if last["role"] != "tool":
                tool, _, arguments = amount_text.partition(" ")
                return self.stream([json.dumps(event) for event in openai_call(tool, arguments)] + ["[DONE]"])
            said = last["content"]
        self.answer(said, cut=verb == "cut" and is_due, rubbish=verb == "rubbish" and is_due,
                    pause=amount / 1000 if verb == "slow" else 0)

    def refuse(self, status, headers=()):
        body = b'{"type":"error","error":{"type":"scripted","message":"scripted"}}'
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, said, cut, rubbish, pause):
        is_openai = self.path.endswith("/chat/completions")
        events = [json.dumps(event) for event in (openai if is_openai else anthropic)("said: " + said)]
        if rubbish:
            events[1] = "{not json"
        if is_openai:
            events.append("[DONE]")
        if cut:
            events = events[:2]
        self.stream(events, cut, pause)

    def stream(self, events, cut=False, pause=0):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            time.sleep(pause)
            data = f"data: {event}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        if cut:
            # No last chunk: the connection is lost in the middle.
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


server = Server(("127.0.0.1", 0), Handler)
print("listening 127.0.0.1:%d" % server.server_port, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
