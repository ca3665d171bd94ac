// Walks the demo as people do, in a real Chromium: two sites (the proxy's and the provider's), so that cookies, forms
// and redirects are held to the browser's own rules.
//
//   PROXY=http://localhost:8080 PROVIDER=http://127.0.0.1:8081 node walk.mjs
//
// CHROMIUM is another browser than Debian's; ONLY names one journey; SCREENSHOTS is a folder that gets a picture of
// every kind of page, in both colour schemes and two widths.
import assert from 'node:assert/strict';
import { launch } from './chromium.mjs';
import { journeys } from './journeys.mjs';
import { Looks } from './looks.mjs';

const { PROXY, PROVIDER, CHROMIUM = '/usr/bin/chromium', ONLY, SCREENSHOTS } = process.env;
assert(PROXY && PROVIDER, 'PROXY and PROVIDER are the addresses of a running demo');

/** The whole walk; whatever hangs, this ends it. */
const PATIENCE = 200_000;
setTimeout(() => {
  console.error(`the walk took longer than ${PATIENCE / 1000} s`);
  process.exit(3);
}, PATIENCE).unref();

const browser = await launch(CHROMIUM);
const looks = new Looks(SCREENSHOTS);
const wanted = Object.entries(journeys).filter(([name]) => !ONLY || name === ONLY);
assert(wanted.length > 0, `no journey ${ONLY}; there are ${Object.keys(journeys).join(', ')}`);
let failed = 0;
// Two at a time: one waits for the browser while the other makes it work.
await Promise.all([0, 1].map(async () => {
  for (let next = wanted.shift(); next; next = wanted.shift()) {
    const [name, journey] = next;
    const began = Date.now();
    try {
      await journey({ browser, looks, proxy: PROXY, provider: PROVIDER });
      console.log(`ok      ${name} (${Date.now() - began} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack}`);
    }
  }
}));
await browser.close();
console.log(`${looks.seen.size} kinds of page looked at: ${[...looks.seen].join(', ')}\nthe walk is over, ${failed} journeys failed`);
process.exitCode = failed === 0 ? 0 : 1;
