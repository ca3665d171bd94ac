#!/usr/bin/env python3
"""Streams through the proxy, for the soak: a server that sends events and echoes WebSocket frames, and clients of both.

    streams.py serve PORT
    streams.py use PORT HEADER…      until SIGTERM; prints {"streams", "messages", "errors": {why: count}}
"""
import asyncio, base64, hashlib, json, os, signal, sys

AT_ONCE = 8
MESSAGES, PAUSE, PATIENCE = 20, 0.25, 10
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


async def head_of(reader):
    """The first line and the header fields, names in lower case."""
    lines = (await reader.readuntil(b'\r\n\r\n')).split(b'\r\n')[:-2]
    return lines[0], {name.lower(): value.strip() for name, _, value in (line.partition(b':') for line in lines[1:])}


def accept(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


async def frame_of(reader):
    """One short WebSocket frame: its kind and its payload."""
    kind, length = await reader.readexactly(2)
    mask = await reader.readexactly(4) if length & 0x80 else bytes(4)
    payload = await reader.readexactly(length & 0x7f)
    return kind & 15, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def frame(kind, payload, mask=b''):
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if mask else payload
    return bytes([0x80 | kind, len(payload) | (0x80 if mask else 0)]) + mask + masked


async def served(reader, writer):
    """One connection: a stream of events, or an echo."""
    try:
        line, fields = await head_of(reader)
        if fields.get(b'upgrade', b'').lower() == b'websocket':
            writer.write(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + accept(fields[b'sec-websocket-key']) + b'\r\n\r\n')
            kind = 0
            while kind != 8:
                kind, payload = await frame_of(reader)
                writer.write(frame(kind, payload))
                await writer.drain()
        else:
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n')
            for number in range(MESSAGES):
                event = b'data: %d\n\n' % number
                writer.write(b'%x\r\n%s\r\n' % (len(event), event))
                await writer.drain()
                await asyncio.sleep(PAUSE)
            writer.write(b'0\r\n\r\n')
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


class Clients:
    def __init__(self, port, headers):
        self.port = port
        self.headers = ''.join(f'{line}\r\n' for line in headers)
        self.told = {'streams': 0, 'messages': 0, 'errors': {}}

    async def again_and_again(self, stream):
        while True:
            try:
                reader, writer = await asyncio.open_connection('127.0.0.1', self.port)
                try:
                    await stream(reader, writer)
                    self.told['streams'] += 1
                finally:
                    writer.close()
            except (OSError, asyncio.IncompleteReadError, TimeoutError, AssertionError) as error:
                why = f'{stream.__name__}: {type(error).__name__} {error}'[:200]
                self.told['errors'][why] = self.told['errors'].get(why, 0) + 1
                await asyncio.sleep(1)

    async def begin(self, reader, writer, path, more, status):
        writer.write(f'GET {path} HTTP/1.1\r\n{self.headers}{more}\r\n'.encode())
        line, fields = await asyncio.wait_for(head_of(reader), PATIENCE)
        assert line.split(b' ')[1] == status, line
        return fields

    async def events(self, reader, writer):
        """Every event comes while the stream goes on, in its order, and then an end."""
        await self.begin(reader, writer, '/streams/events', 'Accept: text/event-stream\r\n', b'200')
        for number in range(MESSAGES):
            line = b''
            while not line.startswith(b'data:'):
                line = await asyncio.wait_for(reader.readuntil(b'\n'), PATIENCE)
            assert line == b'data: %d\n' % number, line
            self.told['messages'] += 1
        rest = await asyncio.wait_for(reader.readuntil(b'0\r\n\r\n'), PATIENCE)
        assert rest.endswith(b'0\r\n\r\n'), rest

    async def echo(self, reader, writer):
        """Every frame comes back as it was sent, and the close as well."""
        key = base64.b64encode(os.urandom(16))
        fields = await self.begin(reader, writer, '/streams/echo', f'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode()}\r\n', b'101')
        assert fields[b'sec-websocket-accept'] == accept(key), fields
        for number in range(MESSAGES + 1):
            kind, payload = (1, b'message %d' % number) if number < MESSAGES else (8, b'\x03\xe8')
            writer.write(frame(kind, payload, os.urandom(4)))
            got = await asyncio.wait_for(frame_of(reader), PATIENCE)
            assert got == (kind, payload), got
            self.told['messages'] += 1
            await asyncio.sleep(PAUSE if number < MESSAGES else 0)


async def serve(port):
    server = await asyncio.start_server(served, '127.0.0.1', port)
    await server.serve_forever()


async def use(port, headers):
    clients = Clients(port, headers)
    tasks = [asyncio.create_task(clients.again_and_again(stream)) for stream in [clients.events, clients.echo] * AT_ONCE]
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await over.wait()
    for task in tasks:
        task.cancel()
    print(json.dumps(clients.told))


if __name__ == '__main__':
    asyncio.run(serve(int(sys.argv[2])) if sys.argv[1] == 'serve' else use(int(sys.argv[2]), sys.argv[3:]))
