// HTTP/2 as Node speaks it, against a proxy in front of an app of Node's: `app PORT` is the app in HTTP/1.1, `app2 PORT` in
// HTTP/2; `client ORIGIN CASE` is one conversation; it prints "done" if everything held.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import http2 from 'node:http2';
import { once } from 'node:events';

const MIB = 1024 * 1024;

function app(port, version) {
  const stats = { written: 0, aborted: 0, sockets: 0 };
  let begun;
  const answer = async (request, response) => {
    const [, what, count] = request.url.split('/');
    if (what === 'stats') return response.end(JSON.stringify(stats));
    if (what === 'hold') return response.on('close', () => stats.aborted++);
    if (what === 'begin') {
      begun = response;
      return response.write('begun');
    }
    if (what === 'break') {
      if (version === 2) begun.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      else begun.destroy();
      return response.end();
    }
    if (what === 'bytes') {
      const piece = Buffer.alloc(64 * 1024, 'x');
      for (let left = Number(count); left > 0 && !response.destroyed; left -= piece.length) {
        stats.written += piece.length;
        if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
      return response.end();
    }
    const sum = createHash('sha256');
    response.writeHead(200, { trailer: 'x-sum', 'x-asked': request.url });
    try {
      for await (const piece of request) {
        sum.update(piece);
        if (!response.write(piece)) await once(response, 'drain');
      }
    } catch {
      return;
    }
    response.addTrailers({ 'x-sum': sum.digest('hex') });
    response.end();
  };
  const server = version === 2 ? http2.createServer({ settings: { enableConnectProtocol: true } }, answer) : http.createServer(answer);
  if (version === 2) server.on('connect', ({ headers, stream }) => {
    assert.deepEqual([headers[':protocol'], headers['sec-websocket-key'], headers.upgrade], ['websocket', undefined, undefined]);
    stats.sockets++;
    stream.on('close', () => stats.sockets--);
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'sec-websocket-protocol': headers['sec-websocket-protocol'] });
    stream.pipe(stream);
  });
  server.on('upgrade', (request, socket) => {
    stats.sockets++;
    socket.on('close', () => stats.sockets--);
    socket.on('error', () => {});
    const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    const asked = request.headers['sec-websocket-protocol'];
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n${asked ? `Sec-WebSocket-Protocol: ${asked}\r\n` : ''}\r\n`);
    socket.pipe(socket);
  });
  server.requestTimeout = 0;
  server.listen(port, '127.0.0.1');
}

/** Sends a request and waits for its head. */
async function ask(session, headers, body) {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [head] = await once(stream, 'response');
  return { stream, head };
}

async function text(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function stats(session) {
  return JSON.parse(await text((await ask(session, { ':path': '/stats' })).stream));
}

/** Asks until it is so: whoever starts this has the patience. */
async function until(session, fits) {
  for (;;) {
    const told = await stats(session);
    if (fits(told)) return told;
  }
}

const cases = {
  async many(session) {
    const answers = await Promise.all(Array.from({ length: 300 }, async (_, at) => {
      const { stream, head } = await ask(session, { ':path': `/echo/${at}`, ':method': 'POST' }, `body ${at}`);
      return [head[':status'], head['x-asked'], await text(stream)];
    }));
    answers.forEach((answer, at) => assert.deepEqual(answer, [200, `/echo/${at}`, `body ${at}`]));
  },

  async large(session) {
    const sent = randomBytes(24 * MIB);
    const stream = session.request({ ':path': '/echo', ':method': 'POST', 'content-length': sent.length }, { endStream: false });
    const sending = (async () => {
      // In pieces: Node bounds what a session may hold.
      for (let at = 0; at < sent.length; at += MIB) {
        if (!stream.write(sent.subarray(at, at + MIB))) await once(stream, 'drain');
      }
      stream.end();
    })();
    const sum = createHash('sha256');
    let length = 0;
    for await (const piece of stream) {
      sum.update(piece);
      length += piece.length;
    }
    await sending;
    assert.equal(length, sent.length);
    assert.equal(sum.digest('hex'), createHash('sha256').update(sent).digest('hex'));
  },

  async goodbyes(session) {
    const connections = new Set();
    let left = 2000;
    const worker = async () => {
      while (left-- > 0) {
        const { stream, head } = await ask(session, { ':path': '/' });
        assert.equal(head[':status'], 200);
        assert.equal(await text(stream), 'served');
        connections.add(head['x-connection']);
      }
    };
    await Promise.all(Array.from({ length: 100 }, worker));
    assert.ok(connections.size >= 20, `${connections.size} connections`);
  },

  async slow(session) {
    const { stream } = await ask(session, { ':path': `/bytes/${64 * MIB}` });
    // Nothing is read: the app comes to a stop by itself.
    let [before, same] = [0, 0];
    while (same < 20) {
      const { written } = await stats(session);
      same = written === before ? same + 1 : 0;
      before = written;
    }
    assert.ok(before < 16 * MIB, `${before} bytes were taken from the app for a client that reads nothing`);
    let length = 0;
    for await (const piece of stream) length += piece.length;
    assert.equal(length, 64 * MIB);
  },

  async trailers(session) {
    const { stream } = await ask(session, { ':path': '/echo', ':method': 'POST', te: 'trailers' }, 'abc');
    const trailed = once(stream, 'trailers');
    assert.equal(await text(stream), 'abc');
    assert.equal((await trailed)[0]['x-sum'], createHash('sha256').update('abc').digest('hex'));
  },

  async aborted(session) {
    const streams = Array.from({ length: 10 }, () => session.request({ ':path': '/hold' }));
    streams.forEach((stream) => stream.on('error', () => {}));
    await stats(session);
    for (const stream of streams) stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(session, ({ aborted }) => aborted === 10);
  },

  async broken(session) {
    const { stream, head } = await ask(session, { ':path': '/begin' });
    assert.equal(head[':status'], 200);
    assert.equal(String((await once(stream, 'data'))[0]), 'begun');
    // Node tells of nothing but the end if that comes with the head: so it comes when the beginning has been heard.
    const failed = new Promise((resolve) => stream.once('error', resolve));
    await ask(session, { ':path': '/break' });
    assert.match(String(await failed), /INTERNAL_ERROR/);
    assert.equal((await ask(session, { ':path': '/echo' })).head[':status'], 200);
  },

  async websocket(session) {
    if (!session.remoteSettings.enableConnectProtocol) await once(session, 'remoteSettings');
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const open = (protocol) => session.request({
      ':method': 'CONNECT', ':protocol': protocol, ':scheme': 'http', ':path': '/socket', ':authority': new URL(process.argv[3]).host,
      'sec-websocket-version': '13', 'sec-websocket-protocol': 'chat', origin: process.argv[3],
    }, { endStream: false });
    const stream = open('websocket');
    const [head] = await once(stream, 'response');
    assert.deepEqual([head[':status'], head['sec-websocket-protocol'], head['sec-websocket-accept'], head.upgrade], [200, 'chat', undefined, undefined]);
    const sent = randomBytes(3 * MIB);
    stream.write(sent);
    const pieces = [];
    let length = 0;
    stream.on('data', (piece) => { pieces.push(piece); length += piece.length; });
    while (length < sent.length) await once(stream, 'data');
    assert.ok(Buffer.concat(pieces).equals(sent));
    await until(session, ({ sockets }) => sockets === 1);
    const ended = once(stream, 'end');
    stream.end();
    await ended;
    await until(session, ({ sockets }) => sockets === 0);
    const cut = open('websocket');
    cut.on('error', () => {});
    await once(cut, 'response');
    await until(session, ({ sockets }) => sockets === 1);
    cut.close(http2.constants.NGHTTP2_CANCEL);
    await until(session, ({ sockets }) => sockets === 0);
    const [refused] = await once(open('connect-udp'), 'response');
    assert.equal(refused[':status'], 400);
  },
};

const [, , role, first, second] = process.argv;
if (role === 'app' || role === 'app2') {
  app(Number(first), role === 'app2' ? 2 : 1);
} else {
  const session = http2.connect(first);
  await once(session, 'connect');
  await cases[second](session);
  session.destroy();
  console.log('done');
}
