"""Clients that leave at any moment: leaving.py PORT VISITORS SECONDS.

Each sends a piece of a request, one, or several at once, and closes the connection then or a little later, in a friendly way or
by a reset. Says how many whole requests there were at most.
"""

import random
import socket
import struct
import sys
import time

port, visitors, seconds = (int(argument) for argument in sys.argv[1:])
chance = random.Random(7)
until = time.monotonic() + seconds
requests = connections = 0
waiting = []

while time.monotonic() < until:
    client = socket.create_connection(("127.0.0.1", port))
    if chance.random() < 0.5:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    count = chance.choice((0, 1, 1, 1, 3, 12))
    text = "".join(
        f"GET {chance.choice(('/', '/', '/cart'))} HTTP/1.1\r\nHost: x\r\nCookie: id=visitor-{chance.randrange(visitors)}\r\n\r\n"
        for _ in range(count)
    )
    if count == 0:
        text = "GET / HTTP/1.1\r\nHo"
    client.sendall(text.encode())
    requests += count
    connections += 1
    waiting.append(client)
    while len(waiting) > chance.randrange(40):
        waiting.pop(chance.randrange(len(waiting))).close()
    time.sleep(chance.random() * 0.002)

for client in waiting:
    client.close()
print(f"{requests} requests of {connections} clients that left")
