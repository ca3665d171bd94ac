// A real WebSocket server and a real client (npm ws).
//
//   PORT=0 node websocket.mjs serve
//
// answers every WebSocket by its path, and tells of each on standard output: "opened /echo", "closed /echo 1000 bye".
// Everything else gets 200 and "no WebSocket"; GET /sent says how much of the last flood has been taken.
//
//   AT=ws://localhost:8080 COOKIE=… node websocket.mjs CASE…
//
// plays these cases as a client, tells "done CASE" of each, and ends with 1 if one fails.
import http from 'node:http';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';

const { PORT = '0', AT, COOKIE } = process.env;
const MiB = 1 << 20;
const FLOOD = { chunk: 64 * 1024, chunks: 1024 };

function serve() {
  let sent = 0;
  const answers = {
    '/echo': (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })),
    '/close': (socket) => socket.on('message', (code) => socket.close(+code, 'the server is done')),
    '/vanish': (socket) => socket.on('message', () => socket.terminate()),
    // Leaves a client alone that wants to close: the closing frame is read by nobody.
    '/deaf': (socket) => socket.on('message', () => { socket.pause(); socket.send('deaf from now on', () => {}); }),
    '/ping': (socket) => { socket.on('pong', (payload) => socket.send(payload)); socket.ping('from the server'); },
    '/flood': (socket) => socket.on('message', async () => {
      for (sent = 0; sent < FLOOD.chunks; sent += 1) await new Promise((taken) => socket.send(Buffer.alloc(FLOOD.chunk, sent), taken));
    }),
  };
  const server = http.createServer((request, response) => response.end(request.url === '/sent' ? `${sent}` : 'no WebSocket'));
  const sockets = new WebSocketServer({
    server, maxPayload: 64 * MiB, perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has('second') ? 'second' : false),
  });
  sockets.on('connection', (socket, request) => {
    const name = `/${request.url.split('/').pop()}`;
    console.log(`opened ${name}`);
    socket.on('close', (code, reason) => console.log(`closed ${name} ${code} ${reason}`));
    socket.on('error', (error) => console.log(`error ${name} ${error.message}`));
    answers[name](socket);
  });
  server.listen(+PORT, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
}

async function open(path, { protocols = [], ...options } = {}) {
  const headers = COOKIE ? { cookie: COOKIE } : {};
  const socket = new WebSocket(`${AT}${path}`, protocols, { headers, perMessageDeflate: false, maxPayload: 64 * MiB, ...options });
  await once(socket, 'open');
  return socket;
}

async function closed(socket) {
  const [code, reason] = await once(socket, 'close');
  return [code, reason.toString()];
}

// Sends, in pieces of that size, and waits for the echo.
async function echoes(socket, what, piece = Infinity) {
  const echo = once(socket, 'message');
  for (let from = 0; ; from += piece) {
    const fin = from + piece >= what.length;
    socket.send(piece === Infinity ? what : what.subarray(from, from + piece), { fin, binary: typeof what !== 'string' });
    if (fin) break;
  }
  const [data, binary] = await echo;
  assert.equal(binary, typeof what !== 'string');
  assert.ok(data.equals(Buffer.from(what)), `${what.length} bytes came back as ${data.length} others`);
}

// What comes instead of a WebSocket.
async function refused(path, options = {}) {
  const socket = new WebSocket(`${AT}${path}`, { headers: COOKIE ? { cookie: COOKIE } : {}, ...options });
  const [, response] = await once(socket, 'unexpected-response');
  const connection = response.socket;
  let body = '';
  for await (const chunk of response) body += chunk;
  connection.destroy();
  return { status: response.statusCode, kind: response.headers['content-type'], body };
}

const cases = {
  async messages() {
    for (const perMessageDeflate of [false, { threshold: 0 }]) {
      const socket = await open('/echo', { perMessageDeflate });
      assert.equal(socket.extensions.startsWith('permessage-deflate'), Boolean(perMessageDeflate));
      for (const size of [0, 1, 125, 126, 65535, 65536, MiB]) {
        await echoes(socket, randomBytes(size));
        await echoes(socket, 'ä'.repeat(size / 2));
      }
      await echoes(socket, Buffer.alloc(16 * MiB, 'a long message '));
      await echoes(socket, randomBytes(300_000), 70_000);
      await echoes(socket, randomBytes(300), 1);
      const heard = [];
      socket.on('message', (data) => heard.push(+data));
      for (let number = 0; number < 2000; number += 1) socket.send(`${number}`);
      while (heard.length < 2000) await once(socket, 'message');
      assert.deepEqual(heard, [...heard.keys()], 'in order');
      socket.close();
      await closed(socket);
    }
  },
  async pings() {
    const socket = await open('/ping');
    assert.equal((await once(socket, 'message'))[0].toString(), 'from the server', 'the server had its pong');
    socket.ping('from the client');
    assert.equal((await once(socket, 'pong'))[0].toString(), 'from the client');
    socket.close();
    await closed(socket);
  },
  async closes() {
    let socket = await open('/echo');
    socket.close(4000, 'the client is done');
    assert.deepEqual(await closed(socket), [4000, 'the client is done']);
    for (const code of ['1000', '1011', '4001']) {
      socket = await open('/close');
      socket.send(code);
      assert.deepEqual(await closed(socket), [+code, 'the server is done']);
    }
    socket = await open('/echo');
    socket.close();
    assert.deepEqual(await closed(socket), [1005, '']);
  },
  async vanishes() {
    let socket = await open('/vanish');
    socket.send('go');
    assert.deepEqual(await closed(socket), [1006, '']);
    socket = await open('/echo');
    await echoes(socket, 'still here');
    socket.terminate();
  },
  async protocols() {
    for (const [offered, chosen] of [[['first', 'second'], 'second'], [['second'], 'second'], [[], '']]) {
      const socket = await open('/echo', { protocols: offered });
      assert.equal(socket.protocol, chosen);
      socket.close();
      await closed(socket);
    }
  },
  async crowd() {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => open('/echo')));
    for (let round = 0; round < 3; round += 1) await Promise.all(sockets.map((socket) => echoes(socket, randomBytes(2000))));
    console.log('crowded');
    // Held until somebody ends it.
    await Promise.all(sockets.map(closed));
  },
  async holds() {
    const socket = await open('/echo');
    await echoes(socket, 'open');
    console.log('held');
    console.log(`ended ${(await closed(socket)).join(' ')}`);
  },
  async deaf() {
    const socket = await open('/deaf');
    socket.send('go');
    await once(socket, 'message');
    console.log('held');
    console.log(`ended ${(await closed(socket)).join(' ')}`);
  },
  async slow() {
    const socket = await open('/flood');
    let heard = 0;
    socket.on('message', (data) => {
      assert.ok(data.length === FLOOD.chunk && data[0] === heard % 256);
      heard += 1;
    });
    socket.pause();
    socket.send('go');
    console.log('paused');
    const taken = async () => +(await (await fetch(process.env.SENT)).text());
    for (let before = -1, now = 0; now === 0 || now !== before; ) [before, now] = [now, (await pause(150), await taken())];
    assert.ok((await taken()) < FLOOD.chunks, 'nothing holds the server back');
    const stays = setInterval(() => {}, 1000); // a paused socket keeps nobody up
    console.log('stalled');
    await once(process, 'SIGUSR2');
    socket.resume();
    while (heard < FLOOD.chunks) await once(socket, 'message');
    console.log('drained');
    await once(process, 'SIGUSR2');
    clearInterval(stays);
    socket.terminate();
  },
  async foreign() {
    const { status } = await refused('/echo', { origin: 'https://elsewhere.example' });
    assert.equal(status, 400);
    (await open('/echo', { origin: AT.replace('ws:', 'http:') })).terminate();
  },
  async stranger() {
    const { status, kind, body } = await refused('/echo');
    assert.deepEqual([status, kind, JSON.parse(body).code], [401, 'application/problem+json', 'sign_in_required']);
  },
  async off() {
    const { status, body } = await refused('/off/echo');
    assert.deepEqual([status, body], [200, 'no WebSocket']);
  },
};

const wanted = process.argv.slice(2);
if (wanted[0] === 'serve') {
  serve();
} else {
  for (const name of wanted) {
    await cases[name]();
    console.log(`done ${name}`);
  }
}
