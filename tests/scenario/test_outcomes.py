# SPDX-License-Identifier: MIT
"""What the network can do to an attempt, by the outcome's name (delivery.md, Outcomes); other rows are in test_answers.py."""
import socket
import ssl
import subprocess
import threading

from story import needs
from story.dns import DnsServer, own_world


class TlsEnd:
    """A port that greets by TLS and answers one request per connection by 204; handshakes may fail."""

    def __init__(self, context):
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            sock, _ = self._listener.accept()
            sock.settimeout(20)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        stream = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        try:
            stream.do_handshake()
            stream.recv(65536)
            stream.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        except OSError:
            self._wait_for_the_end(stream)
        stream.close()

    @staticmethod
    def _wait_for_the_end(stream):
        """Closing with bytes unread would reset the connection, and the alert be lost."""
        try:
            socket.socket.shutdown(stream, socket.SHUT_WR)
            with socket.socket(fileno=stream.detach()) as raw:
                raw.settimeout(20)
                while raw.recv(65536):
                    pass
        except OSError:
            pass


def certificate(story, name="IP:127.0.0.1"):
    """A self-signed certificate and its key, as files."""
    cert, key = f"{story.folder}/cert.pem", f"{story.folder}/key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", key, "-out", cert]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def tls_attempt(story, engine, context):
    engine.webhook(f"https://127.0.0.1:{TlsEnd(context).port}/", retry=[])
    delivery = engine.settled(engine.ok())
    assert len(delivery["attempts"]) == 1, delivery
    return delivery["attempts"][0]


def server_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@needs("openssl")
def test_tls_error_of_a_certificate_that_nobody_trusts(story):
    attempt = tls_attempt(story, story.engine(), server_context(*certificate(story)))
    assert attempt["outcome"] == "tls_error" and attempt["status"] is None, attempt
    assert "certificate" in attempt["reason"], attempt


@needs("openssl")
def test_tls_error_of_a_target_that_demands_a_client_certificate(story):
    """With TLS 1.3 it says so after the handshake: still no reset."""
    cert, key = certificate(story)
    context = server_context(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cert)
    attempt = tls_attempt(story, story.engine(environment={"SSL_CERT_FILE": cert}), context)
    assert attempt["outcome"] == "tls_error", attempt
    assert "certificate required" in attempt["reason"], attempt


def test_connect_timeout_of_a_handshake_that_never_ends(story):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        engine = story.engine()
        engine.webhook(f"https://127.0.0.1:{silent.getsockname()[1]}/", retry=[], timeout_ms=500)
        attempt = engine.settled(engine.ok())["attempts"][0]
    assert attempt["outcome"] == "connect_timeout" and "500 ms" in attempt["reason"], attempt


def test_dns_error_of_a_name_that_does_not_exist(story):
    own_world(story)
    DnsServer({})
    engine = story.engine()
    engine.webhook("http://nobody.test:8080/", retry=[])
    attempt = engine.settled(engine.ok())["attempts"][0]
    assert attempt["outcome"] == "dns_error" and "nobody.test" in attempt["reason"], attempt
