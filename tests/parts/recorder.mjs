// Writes down the requests that Node understands, one JSON line each, when they are whole or broken off. PROXIED is the
// port that a proxy forwards to, DIRECT the one for the same bytes without a proxy. LENIENT=1 has Node's parser take
// what it would refuse. Ends with SIGTERM once every connection has.
//
//   PROXIED=9001 DIRECT=9002 node recorder.mjs
import http from 'node:http';

const note = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);
const insecureHTTPParser = process.env.LENIENT === '1';

// The path as frameworks read it: dot segments resolved, then decoded.
function resolved(target) {
  try {
    return decodeURIComponent(new URL(target, 'http://x').pathname);
  } catch {
    return null;
  }
}

function server(side, port) {
  const server = http.createServer({ insecureHTTPParser }, (request, response) => {
    const { method, url: target, headers, rawHeaders } = request;
    const all = (name) => rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1].toLowerCase() === name).join(', ');
    const pieces = [];
    let isNoted = false;
    const tell = (complete) => {
      if (isNoted) return;
      isNoted = true;
      const body = Buffer.concat(pieces).toString('latin1');
      const fields = { host: all('host'), cookie: all('cookie'), evil: 'x-evil' in headers };
      note({ side, method, target, ...fields, body, complete, resolved: resolved(target) });
    };
    const answer = () => {
      if (response.writableEnded) return;
      const understood = `${method} ${target}`.replace(/[^\x20-\x7e]/g, '?');
      response.writeHead(200, { 'content-type': 'text/plain', 'x-understood': understood }).end(understood);
    };
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => { tell(true); answer(); });
    request.on('close', () => tell(false));
    request.on('error', () => {});
    if (target.endsWith('/early')) answer();
  });
  // Whatever is expected, it is only written down.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('clientError', (error, socket) => {
    // A connection that just ends is nothing that anybody misunderstood.
    if (error.code?.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE') {
      const text = error.rawPacket?.toString('latin1') ?? '';
      const [method = '', target = ''] = text.split('\r\n')[0].split(' ');
      const host = /\r\nhost: *([^\r]*)/i.exec(text)?.[1] ?? '';
      note({ side, method, target, host, resolved: resolved(target), broken: error.code });
    }
    socket.destroy();
  });
  server.listen({ port, host: '127.0.0.1', backlog: 1024 });
  return server;
}

const servers = [server('proxied', process.env.PROXIED), server('direct', process.env.DIRECT)];
process.on('SIGTERM', () => servers.forEach((server) => { server.close(); server.closeIdleConnections(); }));
