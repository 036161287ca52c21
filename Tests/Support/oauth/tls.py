"""Token end points over TLS with right and wrong certificates, for tests of the GoogleCreds plugin.

Makes an authority of its own, and one server for each certificate below. Every server takes any request and refuses it
with `invalid_grant`; a client that verifies never gets as far with the wrong ones. Prints `ca FILE`, one line
`listening NAME HOST:PORT` for each, then `ready`, and later `request NAME` for each request. Serves until its parent ends.

    tls.py FOLDER

SPDX-License-Identifier: Apache-2.0
"""

import datetime
import http.server
import ipaddress
import os
import ssl
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FOLDER = sys.argv[1]
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
HERE = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, names=None, begin=NOW - DAY, end=NOW + DAY):
    builder = (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def authority(subject):
    key = ec.generate_private_key(ec.SECP256R1())
    return subject, key, certificate(subject, key, subject, key)


def pem(file, *things):
    path = os.path.join(FOLDER, file)
    with open(path, "wb") as out:
        for thing in things:
            out.write(thing.public_bytes(serialization.Encoding.PEM) if isinstance(thing, x509.Certificate) else
                      thing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))
    return path


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that ends the handshake is what the tests want."""


def serve(title, chain):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_POST(self):
            print(f"request {title}", flush=True)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b'{"error": "invalid_grant"}'
            self.send_response(400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    # The handshake belongs to the thread of its connection.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening {title} 127.0.0.1:{server.server_port}", flush=True)


def main():
    ours, other = authority("ours"), authority("other")
    print("ca " + pem("ca.pem", ours[2]), flush=True)
    for title, (issuer, issuer_key, _), names, end in [
        ("right", ours, HERE, NOW + DAY),
        ("wrong-host", ours, [x509.DNSName("oauth2.googleapis.com")], NOW + DAY),
        ("expired", ours, HERE, NOW - DAY / 2),
        ("wrong-authority", other, HERE, NOW + DAY),
    ]:
        key = ec.generate_private_key(ec.SECP256R1())
        serve(title, pem(title + ".pem", key, certificate(title, key, issuer, issuer_key, names, end=end)))
    print("ready", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)


main()
