// What a page has to be for everybody who reads it, whichever page it is: axe finds nothing, it fits a narrow window,
// it says what it is, and whoever goes through it by keyboard sees where they are.
import assert from 'node:assert/strict';
import { readFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const AXE = readFileSync(new URL('../parts/node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** A scheme changes colours and nothing else, so the second one is asked about colours. */
const SCHEMES = { light: RULES, dark: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } };
const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 320, height: 640 } };
/** More stops than any page has. */
const MOST_STOPS = 200;

/** Looks at pages, each kind once. With `screenshots` it keeps a picture of every look in that folder. */
export class Looks {
  constructor(screenshots) {
    Object.assign(this, { screenshots, seen: new Set() });
    if (screenshots) mkdirSync(screenshots, { recursive: true });
  }

  async at(kind, page) {
    assert(!this.seen.has(kind), `${kind} was looked at before`);
    this.seen.add(kind);
    await says_what_it_is(kind, page);
    await shows_the_focus(kind, page);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const [colorScheme, rules] of Object.entries(SCHEMES)) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        const look = `${kind}, ${colorScheme}, ${size}`;
        if (this.screenshots) await page.screenshot({ path: join(this.screenshots, `${look.replaceAll(/[ ,]+/g, '-')}.png`), fullPage: true });
        await axe_finds_nothing(look, page, rules);
        await fits(look, page);
      }
    }
    await page.emulateMedia({ colorScheme: null, reducedMotion: null });
    await page.setViewportSize(SIZES.wide);
  }
}

async function says_what_it_is(kind, page) {
  const found = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title.trim(),
    headings: document.querySelectorAll('h1').length,
    mains: document.querySelectorAll('main').length,
    inline: document.querySelectorAll('script, style, [style]').length,
  }));
  const { title, ...rest } = found;
  assert.deepEqual(rest, { lang: 'en', headings: 1, mains: 1, inline: 0 }, kind);
  assert.notEqual(title, '', `${kind} has no title`);
}

// A policy that allows no script on the page does not hold for what the debugger evaluates.
async function axe_finds_nothing(look, page, rules) {
  const run = `axe.run(document, ${JSON.stringify({ runOnly: rules, resultTypes: ['violations'] })})`;
  if (!await page.evaluate('typeof axe === "object"')) await page.evaluate(AXE);
  const { violations } = await page.evaluate(run);
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join('\n')}`);
  assert.equal(told.join('\n'), '', `axe on ${look}`);
}

async function fits(look, page) {
  const { content, view } = await page.evaluate(() => ({ content: document.documentElement.scrollWidth, view: document.documentElement.clientWidth }));
  assert(content <= view, `${look} is ${content} px wide in a window of ${view}`);
}

/** Goes through the page by the Tab key: every stop shows that it is one, inside the window. */
async function shows_the_focus(kind, page) {
  await page.evaluate(() => document.activeElement?.blur());
  let stops = 0;
  for (; stops < MOST_STOPS; stops += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const { top, bottom } = element.getBoundingClientRect();
      const again = element.dataset.stop === 'seen';
      element.dataset.stop = 'seen';
      return { again, outlineStyle, outlineWidth: Number.parseFloat(outlineWidth), inside: bottom > 0 && top < innerHeight, html: element.outerHTML.slice(0, 120) };
    });
    if (!stop || stop.again) break;
    assert(stop.outlineStyle !== 'none' && stop.outlineWidth >= 2, `${kind}: no visible focus on ${stop.html}`);
    assert(stop.inside, `${kind}: the focus is outside the window on ${stop.html}`);
  }
  assert(stops > 0 && stops < MOST_STOPS, `${kind}: ${stops} stops by keyboard`);
}
