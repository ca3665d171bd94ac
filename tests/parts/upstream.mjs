// An app behind the proxy that tells what it was asked: over http, https with client certificates (CERTS: a directory with
// server.pem, server.key and ca.pem), at PORT. It speaks HTTP/1.1; with HTTP2 it speaks HTTP/2 in clear text, and either over
// TLS. `/flip` makes it unwell and well again, `/slow` takes its time.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const { CERTS, HTTP2, NAME, PORT } = process.env;
let isWell = true;
// Requests under way: each has a connection of its own, and whose end comes late may still seem open here.
let open = 0;
let most = 0;

const answer = (request, response) => {
  open += 1;
  most = Math.max(most, open);
  if (request.url === '/flip') isWell = !isWell;
  if (request.url === '/healthz') response.statusCode = isWell ? 200 : 503;
  const { socket, url, headers } = request;
  const body = JSON.stringify({
    name: NAME,
    version: request.httpVersion,
    url,
    host: headers.host ?? headers[':authority'],
    prefix: headers['x-forwarded-prefix'],
    asked_for: socket.servername,
    client: socket.getPeerCertificate?.().subject?.CN,
    most,
  });
  setTimeout(
    () => {
      open -= 1;
      response.end(body);
    },
    url === '/slow' ? 50 : 0,
  );
};

const read = (name) => readFileSync(`${CERTS}/${name}`);
const tls = () => ({ cert: read('server.pem'), key: read('server.key'), ca: read('ca.pem'), requestCert: true, allowHTTP1: true });
const inClear = () => (HTTP2 ? http2 : http).createServer(answer);
const overTls = () => (HTTP2 ? http2.createSecureServer(tls(), answer) : https.createServer(tls(), answer));
const server = CERTS ? overTls() : inClear();
server.listen(Number(PORT), '127.0.0.1');
