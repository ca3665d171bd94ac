// A real OpenID provider (npm oidc-provider) in the shape of Microsoft's: `consumers`, `organizations` with a templated
// issuer, and one generic provider with an exact issuer. Prints its address when it listens.
//
//   PORT=0 CLIENT_SECRET=… REDIRECT_ORIGIN=http://localhost:8080 node provider.mjs
//
// Whoever signs out at /NAME/oauth2/v2.0/logout is signed out by the back channel at the proxy's authority as well.
// POST /rotate makes every authority sign with new keys from then on, as a provider's key rollover does.
//
//   ACCESS_TTL=3 TOKEN_DELAY_MS=200 …
//
// With ACCESS_TTL access tokens hold for so many seconds, and everybody gets a refresh token whether they ask for
// offline_access or not. Refresh tokens are good for one time: one that comes again ends its grant, with all tokens.
// TOKEN_DELAY_MS has the token endpoint take its time, after it has done its work. GET /refreshes counts since the start:
// {"granted":1,"refused":0}; each of them is also a line on standard output: "refresh granted", "refresh refused".
import http from 'node:http';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider, { interactionPolicy, errors } from 'oidc-provider';

const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad';
const CONTOSO = '3a0c0000-0000-4000-8000-0000000000aa';
const { PORT = '0', CLIENT_SECRET, REDIRECT_ORIGIN, ACCESS_TTL, TOKEN_DELAY_MS = '0' } = process.env;
const refreshes = { granted: 0, refused: 0 };

const people = {
  'ann@outlook.com': { tid: CONSUMERS, oid: '00000000-0000-0000-0aaa-000000000001', name: 'Ann Personal' },
  'bob@contoso.example': { tid: CONTOSO, oid: 'b0b00000-0000-4000-8000-000000000001', acct: 0, name: 'Bob Work', groups: ['67000000-0000-4000-8000-000000000001'] },
  'gus@contoso.example': { tid: CONTOSO, oid: 'b0b00000-0000-4000-8000-000000000002', acct: 1, idp: 'live.com', name: 'Gus Guest' },
  'zoe@generic.example': { name: 'Zoe Elsewhere' },
};
const authorities = {
  consumers: { takes: (person) => person.tid === CONSUMERS, issuer: CONSUMERS, known: 'personal' },
  organizations: { takes: (person) => person.tid && person.tid !== CONSUMERS, issuer: '{tenantid}' },
  generic: { takes: (person) => !person.tid, known: 'generic' },
};

const signingKey = () => ({ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() });
const asked = new AsyncLocalStorage(); // which tenant the person of this request has
let base;

function provider(authority, key) {
  const { takes, issuer, known } = authorities[authority];
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  const op = new Provider(`${base}/${authority}`, {
    clients: [{
      client_id: 'homerealm', client_secret: CLIENT_SECRET, subject_type: 'pairwise',
      // Not of `organizations`, whose issuer depends on a person: when it tells of a sign-out, it knows of none any more.
      ...(known && { backchannel_logout_uri: `${REDIRECT_ORIGIN}/.auth/logout/back-channel/${known}`, backchannel_logout_session_required: true }),
      redirect_uris: ['personal', 'work', 'generic'].map((name) => `${REDIRECT_ORIGIN}/.auth/callback/${name}`),
      post_logout_redirect_uris: [`${REDIRECT_ORIGIN}/.auth/signed-out`],
      ...(ACCESS_TTL && { grant_types: ['authorization_code', 'refresh_token'] }),
      token_endpoint_auth_method: authority === 'generic' ? 'client_secret_basic' : 'client_secret_post',
    }],
    jwks: { keys: [key] },
    cookies: { keys: [randomUUID()], names: { session: `s-${authority}`, interaction: `i-${authority}`, resume: `r-${authority}` }, long: { path: `/${authority}`, signed: true } },
    routes: { authorization: '/oauth2/v2.0/authorize', token: '/oauth2/v2.0/token', jwks: '/discovery/v2.0/keys', end_session: '/oauth2/v2.0/logout' },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true }, backchannelLogout: { enabled: true } },
    ...(ACCESS_TTL && { ttl: { AccessToken: +ACCESS_TTL, IdToken: 3600, RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 3600 }, issueRefreshToken: () => true, rotateRefreshToken: true }),
    // Its own way keeps off addresses of this machine, which is where the proxy is.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    // As at Microsoft, whose documents do not announce PKCE either; it is checked all the same.
    pkce: { required: () => true },
    conformIdTokenClaims: false, subjectTypes: ['pairwise'],
    pairwiseIdentifier: (ctx, account, client) => createHash('sha256').update(client.clientId + account).digest('base64url'),
    claims: { openid: ['sub', 'tid', 'oid', 'idp', 'acct', 'ver', 'groups'], profile: ['name', 'preferred_username'], email: ['email'] },
    extraParams: ['client_info', 'domain_hint'],
    interactions: { policy, url: (ctx, interaction) => `/${authority}/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
      const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      if (known) return ctx.oidc.provider.Grant.find(known);
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
    async findAccount(ctx, id) {
      const person = people[id];
      if (!person || !takes(person)) throw new errors.AccessDenied('AADSTS50020: the account does not exist in this tenant');
      if (asked.getStore()) asked.getStore().tid = person.tid;
      const { name, ...claims } = person;
      return { accountId: id, claims: async () => ({ sub: id, ver: '2.0', ...claims, name, preferred_username: id, email: id }) };
    },
  });
  if (issuer) Object.defineProperty(op, 'issuer', { get: () => `${base}/${issuer === '{tenantid}' ? asked.getStore()?.tid ?? issuer : issuer}/v2.0` });
  op.on('backchannel.error', (ctx, error) => console.error(authority, error));
  op.on('server_error', (ctx, error) => console.error(authority, error));
  const count = (how) => (ctx) => {
    if (ctx.oidc.body?.grant_type !== 'refresh_token') return;
    refreshes[how] += 1;
    console.log(`refresh ${how}`);
  };
  op.on('grant.success', count('granted'));
  op.on('grant.error', count('refused'));
  op.use(async (ctx, next) => {
    await next();
    if (ctx.path.endsWith('/token')) await new Promise((done) => setTimeout(done, +TOKEN_DELAY_MS));
  });
  const answer = op.callback();
  return async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    const { params, session } = await op.interactionDetails(request, response);
    if (request.method === 'GET') {
      const shown = String(session?.accountId ?? params.login_hint ?? '').replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
      return response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><html lang="en"><title>${authority}</title><form method="post"><label>Account <input name="login" value="${shown}"></label><button>Next</button></form>`);
    }
    let body = '';
    for await (const piece of request) body += piece;
    await op.interactionFinished(request, response, { login: { accountId: new URLSearchParams(body).get('login') }, select_account: {} }, { mergeWithLastSubmission: false });
  };
}

let handlers = {};
function rotate() {
  const keys = { consumers: signingKey(), organizations: signingKey(), generic: signingKey() };
  handlers = Object.fromEntries(Object.keys(authorities).map((name) => [name, provider(name, keys[name])]));
}

const server = http.createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/rotate') { rotate(); return response.writeHead(204).end(); }
  if (request.url === '/refreshes') return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(refreshes));
  const [, name, rest] = /^\/([^/?]+)(\/.*)$/.exec(request.url) ?? [];
  const handler = handlers[name];
  if (!handler) return response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_tenant"}');
  request.url = rest.replace(/^\/v2\.0\/\.well-known/, '/.well-known');
  request.originalUrl = `/${name}${request.url}`;
  asked.run({}, () => handler(request, response).catch((error) => response.writeHead(400).end(String(error.message))));
});
server.listen(+PORT, '127.0.0.1', () => { base = `http://127.0.0.1:${server.address().port}`; rotate(); console.log(base); });
