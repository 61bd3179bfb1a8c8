"""A load of clients that each send the next request when they have the answer to the last, from one cheap loop.

wrk stops at a deadline with requests under way, which are then not counted: with a server that takes seconds for an
answer that is most of them. Here nothing new is sent after the deadline and everything sent is waited for.
"""

import heapq
import re
import selectors
import socket
import time
import urllib.parse

LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.I)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:\s*chunked", re.I)


class Client:
    """One keep-alive connection."""

    def __init__(self, address, request):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.request = request  # a function that makes the bytes of the next request
        self.out, self.buffer, self.sent_at = memoryview(b""), b"", 0.0

    def begin(self):
        self.out, self.buffer = memoryview(self.request()), b""
        self.sent_at = time.perf_counter()
        self.write()

    def write(self):
        """Sends what the socket takes; true while there is more."""
        try:
            self.out = self.out[self.socket.send(self.out):]
        except BlockingIOError:
            pass
        return len(self.out) > 0

    def read(self):
        """The status of the answer once it is all there, else None."""
        block = self.socket.recv(1 << 18)
        if not block:
            raise RuntimeError(f"the server closed the connection after {self.buffer[:500]!r}")
        self.buffer += block
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = LENGTH.search(self.buffer, 0, head)
        if length:
            complete = len(self.buffer) - head - 4 >= int(length[1])
        elif CHUNKED.search(self.buffer, 0, head):
            complete = self.buffer.endswith(b"\r\n0\r\n\r\n")
        else:
            raise RuntimeError(f"neither length nor chunks in {self.buffer[:500]!r}")
        return int(self.buffer[9:12]) if complete else None


def post(url, headers, body):
    """The bytes of a POST."""
    parts = urllib.parse.urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json",
             f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drive(url, requests, seconds, pace=0):
    """Runs one client for each function in requests.

    With pace, each client sends at its own even times, so many seconds apart, or when it has the last answer if that is
    later; a latency then counts from the time at which the request was due.

    Returns (seconds until the last answer, latencies in seconds of the answers 200, the other answers).
    """
    parts = urllib.parse.urlsplit(url)
    loop, latencies, refusals, open_clients = selectors.DefaultSelector(), [], [], 0
    clients = [Client((parts.hostname, parts.port), request) for request in requests]
    begin = time.perf_counter()
    deadline = begin + seconds
    due = [(begin + pace * number / len(clients), number) for number in range(len(clients))]  # a heap
    try:
        for client in clients:
            loop.register(client.socket, selectors.EVENT_READ, client)

        def start_due():
            """Starts whatever is due; returns the seconds until the next is."""
            while due and due[0][0] <= time.perf_counter():
                at, number = heapq.heappop(due)
                client = clients[number]
                client.number, client.due = number, at
                client.begin()
                if client.out:
                    loop.modify(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
            return max(0, due[0][0] - time.perf_counter()) if due else None

        open_clients = len(clients)
        while open_clients:
            for key, events in loop.select(start_due()):
                client = key.data
                if events & selectors.EVENT_WRITE and not client.write():
                    loop.modify(client.socket, selectors.EVENT_READ, client)
                if not events & selectors.EVENT_READ:
                    continue
                status = client.read()
                if status is None:
                    continue
                now = time.perf_counter()
                if status == 200:
                    latencies.append(now - (client.due if pace else client.sent_at))
                else:
                    refusals.append(client.buffer[:1000].decode(errors="replace"))
                following = client.due + pace if pace else now
                if max(now, following) > deadline:
                    open_clients -= 1
                else:
                    heapq.heappush(due, (following, client.number))
        return time.perf_counter() - begin, latencies, refusals
    finally:
        for client in clients:
            client.socket.close()
