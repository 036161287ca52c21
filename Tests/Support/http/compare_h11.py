#!/usr/bin/env python3
"""Compares the verdicts of the corpus (Tests/Fixtures/http/*.tsv) with those of h11, a strict HTTP/1.1 parser in Python.

Every difference must carry a note in the corpus that says why ours is right, and every note must belong to a difference.
Called by H11Tests; by hand: .build/h11-venv/bin/python Tests/Support/http/compare_h11.py

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re
import sys

import h11

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "Fixtures" / "http"


def unescape(text):
    """The notation that the head of each corpus file explains."""
    out = bytearray()
    data = text.encode()
    at = 0
    while at < len(data):
        if data[at : at + 2] == b"@{":
            end = data.index(b"}", at)
            inner = data[at + 2 : end].decode()
            piece, times = inner.rsplit("*", 1)
            out += unescape(piece) * int(times)
            at = end + 1
        elif data[at : at + 1] == b"\\":
            code = data[at + 1 : at + 2]
            if code == b"x":
                out.append(int(data[at + 2 : at + 4], 16))
                at += 4
            else:
                out += {b"r": b"\r", b"n": b"\n", b"t": b"\t"}.get(code, code)
                at += 2
        else:
            out.append(data[at])
            at += 1
    return bytes(out)


def h11_verdict(data):
    """The requests that h11 sees, as "METHOD BODYLENGTH", then refuse, more, close or nothing."""
    words = []
    connection = h11.Connection(our_role=h11.SERVER)
    # What may be left after the messages, to tell "more" from nothing.
    if data:
        connection.receive_data(data)  # no bytes would mean the end of the connection
    method, length = None, 0
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return words + ["refuse"]
        if event is h11.NEED_DATA:
            pending = method is not None or connection.trailing_data[0]
            return words + (["more"] if pending else [])
        if isinstance(event, h11.Request):
            method, length = event.method.decode(), 0
        elif isinstance(event, h11.Data):
            length += len(event.data)
        elif isinstance(event, h11.EndOfMessage):
            words.append(f"{method} {length}")
            if method == "CONNECT":
                return words + ["tunnel"]
            method = None
            connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is h11.MUST_CLOSE:
                return words + ["close"]
            connection.start_next_cycle()
        elif event is h11.PAUSED:
            return words + ["paused"]


def our_verdict(text):
    """The corpus' verdict without paths and codes, which h11 does not judge."""
    words = []
    for part in text.split(" | "):
        if part == "idle":
            continue
        if part in ("more", "close"):
            words.append(part)
        elif part.startswith("refuse "):
            words.append("refuse")
        else:
            method, rest = part.split(" ", 1)
            words.append(f"{unescape(method).decode()} {rest.rsplit(' ', 1)[1]}")
    return words


def main():
    compared, differ, faults = 0, 0, []
    for path in sorted(FOLDER.glob("*.tsv")):
        for line in path.read_text().splitlines():
            if line.startswith("#"):
                continue
            name, _, verdict, raw, note = line.split("\t")
            data = b"" if raw == "-" else unescape(raw)
            ours, theirs = our_verdict(verdict), h11_verdict(data)
            compared += 1
            if ours != theirs:
                differ += 1
                if note == "-":
                    faults.append(f"{path.name}: {name}: ours {ours[-3:]}, h11 {theirs[-3:]}, and no note says why")
            elif note != "-":
                faults.append(f"{path.name}: {name}: h11 agrees, but a note says otherwise")
    for fault in faults:
        print(fault)
    print(f"compared {compared} requests with h11 {h11.__version__}: {differ} differ, {len(faults)} without reason")
    return 1 if faults or compared < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
