"""A DNS server for a handful of names: RFC 1035 over UDP, A records only."""

import socket
import struct
import threading

TYPE_A, CLASS_IN, NAME_ERROR = 1, 1, 3


class NameServer:
    """Answers on `address`, port 53, which is where a resolv.conf sends its reader; a context.

    `addresses` maps names to IPv4 addresses; every other name does not exist. `asked` lists what
    was asked for, in order.
    """

    def __init__(self, address, addresses):
        self.asked = []
        self._addresses = addresses
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.sendto(b"", self._socket.getsockname())  # what tells the thread to end
        self._thread.join(10)
        self._socket.close()

    def _serve(self):
        while True:
            query, peer = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(self._answer(query), peer)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        self.asked.append(name)
        address = self._addresses.get(name)
        records = b""
        if address and kind == TYPE_A:
            records = struct.pack("!HHHIH", 0xC00C, TYPE_A, CLASS_IN, 60, 4)
            records += socket.inet_aton(address)
        flags = 0x8580 | (0 if address else NAME_ERROR)
        head = query[:2] + struct.pack("!HHHHH", flags, 1, 1 if records else 0, 0, 0)
        return head + question + records
