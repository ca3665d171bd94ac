// A real Chromium and its visitors: one browser profile each, watched for everything that a browser complains about
// (broken policies, errors on the console, requests that leave this machine).
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../parts/package.json', import.meta.url))('playwright-core');

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--no-proxy-server', '--force-color-profile=srgb',
];

/** How long anything on a page may take, in milliseconds. Everything here is on this machine. */
const PATIENCE = 15_000;

/** More stops than lie before anything on a page that is walked by keyboard. */
const MOST_STOPS = 30;

export const launch = (executablePath) => chromium.launch({ executablePath, args: FLAGS, timeout: 30_000 });

/** A person with a fresh browser. `complaints` is what the browser found fault with; it has to stay empty. */
export class Visitor {
  static async arrive(browser, options = {}) {
    const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    return new Visitor(context, await context.newPage());
  }

  constructor(context, page) {
    Object.assign(this, { context, page, complaints: [], documents: new Set() });
    context.on('request', (request) => {
      if (request.isNavigationRequest()) this.documents.add(request.url());
      if (!['localhost', '127.0.0.1'].includes(new URL(request.url()).hostname)) this.complain(`asked ${request.url()}`);
    });
    context.on('console', (message) => {
      // Chromium notes the status of pages that are refusals. Of anything else that a page loads, a failure is a fault.
      const ofThePage = message.text().startsWith('Failed to load resource') && this.documents.has(message.location().url);
      if (['error', 'warning'].includes(message.type()) && !ofThePage) this.complain(message.text());
    });
    context.on('weberror', (error) => this.complain(String(error.error())));
  }

  complain(what) {
    this.complaints.push(`${this.page.url()}: ${what}`);
  }

  /** Whether this address, with whatever query, was a page on the way. */
  has_been_at(url) {
    return [...this.documents].some((document) => document.split('?')[0] === url);
  }

  goto(url) {
    return this.page.goto(url);
  }

  /** The page's one heading. */
  async heading() {
    return (await this.page.locator('h1').innerText()).trim();
  }

  async type(identifier) {
    await this.page.getByRole('textbox').fill(identifier);
    await this.page.getByRole('button', { name: 'Next' }).click();
  }

  button(name) {
    return this.page.getByRole('button', { name });
  }

  /** The button with this name and no more. */
  theButton(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  link(name) {
    return this.page.getByRole('link', { name });
  }

  /** Presses the Tab key until the focus is on something with this text, spoken or seen. */
  async tabTo(text) {
    for (let stops = 0; stops < MOST_STOPS; stops += 1) {
      if ((await this.page.locator(':focus').allTextContents()).join().includes(text)) return;
      await this.page.keyboard.press('Tab');
    }
    assert.fail(`the Tab key never comes to "${text}"`);
  }

  leave() {
    return this.context.close();
  }
}
