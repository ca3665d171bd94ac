// An app for bodies of any size. Prints its port when it listens.
//
//   node bodies.mjs
//
// POST /…/sink answers with the length and the SHA-256 of what was sent. GET /…/source?LENGTH sends as many bytes, with the
// SHA-256 of all of them as a trailer. GET /…/events sends an event, and one more for every POST /…/next, with its body.
import http from 'node:http';
import { createHash } from 'node:crypto';
import { once } from 'node:events';

const PIECE = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, (_, at) => (at * 31) % 251));
let listener;

async function sink(request, response) {
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of request) {
    hash.update(piece);
    length += piece.length;
  }
  response.end(`${length} ${hash.digest('hex')}`);
}

async function source(length, response) {
  const hash = createHash('sha256');
  response.writeHead(200, { trailer: 'x-sha256' });
  for (let left = length; left > 0; left -= PIECE.length) {
    const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
    hash.update(piece);
    if (!response.write(piece)) await once(response, 'drain');
  }
  response.addTrailers({ 'x-sha256': hash.digest('hex') });
  response.end();
}

const server = http.createServer(async (request, response) => {
  const { pathname, search } = new URL(request.url, 'http://app');
  switch (pathname.split('/').at(-1)) {
    case 'sink': return sink(request, response);
    case 'source': return source(Number(search.slice(1)), response).catch(() => {});
    case 'events':
      listener = response;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return response.write('data: first\n\n');
    case 'next':
      for await (const piece of request) listener.write(`data: ${piece}\n\n`);
      return response.writeHead(204).end();
    default: return response.writeHead(404).end();
  }
});
// A large body takes as long as it takes.
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(`port=${server.address().port};`));
