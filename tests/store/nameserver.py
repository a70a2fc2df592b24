"""A name server on loopback that answers what a test tells it to, over UDP and TCP."""

import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from dnslib import AAAA, CNAME, MX, QTYPE, RCODE, RR, A, DNSRecord

Zone = dict[str, str]
"""What is said of each domain: one of the words of `_SAYS`, or `mx <host>`; else NXDOMAIN."""

_PORTS_TRIED = 20


class Nameserver:
    """Answers from `zone`, which may be changed while it runs, and counts what it was asked."""

    def __init__(self) -> None:
        self.zone: Zone = {}
        self.asked: Counter[str] = Counter()
        self.over_tcp: Counter[str] = Counter()
        self.address = ""

    def reply(self, data: bytes, *, is_udp: bool) -> bytes | None:
        """The bytes that answer a question, or none."""
        question = DNSRecord.parse(data)
        name = str(question.q.qname).rstrip(".").lower()
        kind = QTYPE[question.q.qtype]
        if kind == "MX":
            self.asked[name] += 1
        if not is_udp:
            self.over_tcp[name] += 1
        answer = question.reply()
        says = self.zone.get(name, "nxdomain")
        if says == "silent":
            return None
        if says == "garbage":
            return b"\x00\xff" * 40
        if says == "other id":
            answer.header.id ^= 1
            answer.add_answer(RR(name, QTYPE.MX, rdata=MX("mail.evil.example")))
        elif says == "other name":
            answer.add_answer(RR("elsewhere.example", QTYPE.MX, rdata=MX("mail.evil.example")))
        elif says == "pointer loop":
            return answer.pack()[:7] + b"\x01" + answer.pack()[8:] + b"\xc0\x0c" * 2 + b"\xc0"
        elif says == "truncated" and is_udp:
            answer.header.tc = 1
        else:
            self._fill(answer, name, kind, says)
        return bytes(answer.pack())

    def _fill(self, answer: DNSRecord, name: str, kind: str, says: str) -> None:
        if says in {"nxdomain", "servfail", "refused", "formerr", "notimp"}:
            answer.header.rcode = getattr(RCODE, says.upper())
        elif says == "contradiction" and kind != "MX":
            answer.header.rcode = RCODE.NXDOMAIN
        elif says.startswith("cname "):
            target = says.split()[1]
            answer.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(target)))
            if answer.rr and len(answer.rr) < 40:
                self._fill(answer, target, kind, self.zone.get(target, "nxdomain"))
        elif says == "truncated" or says.startswith("mx ") or says == "null mx":
            host = {"null mx": ".", "truncated": "mail.example"}.get(says, says[3:])
            if kind == "MX":
                answer.add_answer(RR(name, QTYPE.MX, rdata=MX(host, 0 if host == "." else 10)))
        elif says == "many":
            for number in range(800 if kind == "MX" else 0):
                answer.add_answer(RR(name, QTYPE.MX, rdata=MX(f"mail{number}.{name}")))
        elif says == "address" and kind == "A":
            answer.add_answer(RR(name, QTYPE.A, rdata=A("192.0.2.1")))
        elif says == "address 6" and kind == "AAAA":
            answer.add_answer(RR(name, QTYPE.AAAA, rdata=AAAA("2001:db8::1")))
        elif says == "address unclear" and kind == "A":
            answer.header.rcode = RCODE.SERVFAIL


@contextmanager
def nameserver() -> Iterator[Nameserver]:
    """A server for the length of a test; its `address` is what TOUCHSTONE_DNS takes."""
    server = Nameserver()
    udp, tcp = _pair(server)
    server.address = f"127.0.0.1:{udp.server_address[1]}"
    threads = [
        threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        for one in (udp, tcp)
    ]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for one in (udp, tcp):
            one.shutdown()
            one.server_close()
        for thread in threads:
            thread.join()


def _pair(server: Nameserver) -> tuple[socketserver.BaseServer, socketserver.BaseServer]:
    """One port for datagrams and streams; one that streams have taken elsewhere is left again."""
    for _ in range(_PORTS_TRIED):
        tcp = _open(socketserver.ThreadingTCPServer, 0, _streams(server))
        with suppress(OSError):
            port = tcp.server_address[1]
            return _open(socketserver.ThreadingUDPServer, port, _datagrams(server)), tcp
        tcp.server_close()
    raise OSError("no port was free for datagrams and streams both")


def _open(
    kind: type[socketserver.BaseServer], port: int, handler: type[socketserver.BaseRequestHandler]
) -> socketserver.BaseServer:
    class Server(kind):  # type: ignore[misc, valid-type]
        daemon_threads = True
        request_queue_size = 100
        max_packet_size = 65535

        def server_bind(self) -> None:
            if self.socket_type == socket.SOCK_DGRAM:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            super().server_bind()

    return Server(("127.0.0.1", port), handler)


def _datagrams(server: Nameserver) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, connection = self.request
            reply = server.reply(data, is_udp=True)
            if reply is not None:
                if len(reply) > 1232:
                    short = DNSRecord.parse(data).reply()
                    short.header.tc = 1
                    reply = short.pack()
                connection.sendto(reply, self.client_address)

    return Handler


def _streams(server: Nameserver) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = self.request.recv(2)
            if len(head) < 2:
                return
            reply = server.reply(self.request.recv(int.from_bytes(head)), is_udp=False)
            if reply is not None:
                self.request.sendall(len(reply).to_bytes(2) + reply)

    return Handler
