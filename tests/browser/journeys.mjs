// The journeys, by name. Each takes a fresh browser, and at its end nothing may have gone wrong in that browser.
import assert from 'node:assert/strict';
import { Visitor } from './chromium.mjs';

const PERSONAL_REFUSAL = "You can't sign in here with a personal account. Use your work or school account instead.";
const WHICH_ACCOUNT = 'Which account do you want to use?';

/** A journey on which one visitor goes; they leave without complaints. */
const journey = (walk, options) => async (world) => {
  const visitor = await Visitor.arrive(world.browser, options);
  try {
    await walk({ ...world, visitor, page: visitor.page });
  } catch (error) {
    error.stack += `\nat ${visitor.page.url()}, "${await visitor.page.title().catch(() => 'no page')}"`;
    throw error;
  } finally {
    await visitor.leave();
  }
  assert.deepEqual(visitor.complaints, []);
};

const isAt = (page, origin, path = '/') => assert(page.url().startsWith(origin + path), `${page.url()} is not at ${origin}${path}`);

/** At the provider, as the person hinted at. */
async function continueAs(visitor, provider, name) {
  await visitor.page.waitForURL(`${provider}/**`);
  await visitor.button(`Continue as ${name}`).first().click();
}

async function signIn({ visitor, proxy, provider }, path, identifier, name) {
  await visitor.goto(proxy + path);
  await visitor.type(identifier);
  await continueAs(visitor, provider, name);
  await visitor.page.waitForURL(proxy + path);
}

const greets = async (visitor, address) => assert.equal(await visitor.heading(), `Hello, ${address}`);

export const journeys = {
  a_personal_account_is_refused_before_it_leaves: journey(async ({ visitor, page, looks, proxy }) => {
    await visitor.goto(`${proxy}/`);
    await looks.at('start page', page);
    await visitor.link('/work').first().click();
    assert.equal(await visitor.heading(), 'Sign in');
    await looks.at('sign-in', page);
    await visitor.type('not an address');
    assert.match(await page.title(), /^Error: /);
    await looks.at('sign-in with an error', page);
    await visitor.type('cy@outlook.example');
    assert.equal(await visitor.heading(), PERSONAL_REFUSAL);
    isAt(page, proxy);
    await looks.at('refusal before leaving', page);
    await visitor.link('Use a different account').click();
    assert.equal(await visitor.heading(), 'Sign in');
    assert.equal(await page.getByRole('textbox').inputValue(), '');
  }),

  by_keyboard_only: journey(async ({ visitor, page, proxy, provider }) => {
    const keys = page.keyboard;
    const tabTo = async (text) => {
      for (let stops = 0; stops < 30; stops += 1) {
        if ((await page.locator(':focus').allInnerTexts()).join().includes(text)) return;
        await keys.press('Tab');
      }
      assert.fail(`the Tab key never comes to "${text}"`);
    };
    await visitor.goto(`${proxy}/work/`);
    assert.equal(await page.locator(':focus').getAttribute('id'), 'identifier', 'the field has the focus at once');
    await keys.type('ada@contoso.example');
    await keys.press('Enter');
    await page.waitForURL(`${provider}/**`);
    await tabTo('Continue as Ada');
    await keys.press('Enter');
    await page.waitForURL(`${proxy}/work/`);
    await greets(visitor, 'ada@contoso.example');
    await tabTo('Sign out');
    await keys.press('Enter');
    await page.waitForURL(`${proxy}/.auth/sign-out`);
    await tabTo('Sign out');
    await keys.press('Enter');
    await page.waitForURL(`${proxy}/.auth/signed-out`);
    assert.equal(await visitor.heading(), 'You are signed out');
  }),

  without_scripts: journey(async (world) => {
    await signIn(world, '/work/', 'ada@contoso.example', 'Ada');
    await greets(world.visitor, 'ada@contoso.example');
  }, { javaScriptEnabled: false }),

  a_session_is_for_this_host_and_no_script: journey(async (world) => {
    const { visitor, page, looks, proxy, provider } = world;
    await visitor.goto(`${proxy}/work/`);
    await visitor.type('ada@contoso.example');
    await page.waitForURL(`${provider}/**`);
    await looks.at('provider sign-in', page);
    await continueAs(visitor, provider, 'Ada');
    await page.waitForURL(`${proxy}/work/`);
    await looks.at('sample app', page);
    const cookies = (await visitor.context.cookies(proxy)).filter(({ value }) => value.length > 100);
    assert(cookies.length > 0, 'there is a session');
    for (const { name, domain, path, httpOnly, sameSite, expires } of cookies) {
      assert.deepEqual({ domain, path, httpOnly, sameSite, expires }, { domain: 'localhost', path: '/', httpOnly: true, sameSite: 'Lax', expires: -1 }, name);
    }
    assert.equal(await page.evaluate(() => document.cookie), '');
    await looks_at_the_way_out(world);
  }),

  both_kinds_of_one_address: journey(async (world) => {
    const { visitor, page, looks, proxy, provider } = world;
    for (const [choice, kind] of [['Work or school account', 'work'], ['Personal account', 'personal']]) {
      await visitor.goto(`${proxy}/any/`);
      await visitor.type('dee@contoso.example');
      assert.equal(await visitor.heading(), WHICH_ACCOUNT);
      if (kind === 'work') await looks.at('choice of account', page);
      await visitor.button(choice).click();
      await continueAs(visitor, provider, 'Dee');
      await page.waitForURL(`${proxy}/any/`);
      assert.match(await page.locator('main').innerText(), new RegExp(`\\b${kind}\\b account`));
      await visitor.context.clearCookies();
    }
    await visitor.goto(`${proxy}/any/`);
    await visitor.type('dee@contoso.example');
    await visitor.link('Use another address').click();
    assert.equal(await visitor.heading(), 'Sign in');
  }),

  a_token_decides_where_the_address_did_not: journey(async (world) => {
    const { visitor, page, looks, proxy } = world;
    await signIn(world, '/any/', 'cy@outlook.example', 'Cy');
    await greets(visitor, 'cy@outlook.example');
    await signIn(world, '/mailbox', 'gil@gmail.example', 'Gil').catch(() => {});
    await visitor.goto(`${proxy}/mailbox`);
    await looks.at('mailbox', page);
    await visitor.goto(`${proxy}/personal/`);
    await greets(visitor, 'cy@outlook.example');
  }),
};

async function looks_at_the_way_out({ visitor, page, looks, proxy }) {
  await visitor.link('Sign out').click();
  await looks.at('sign-out question', page);
  await visitor.button('Sign out').click();
  await page.waitForURL(`${proxy}/.auth/signed-out`);
  assert.equal(await visitor.heading(), 'You are signed out');
  await looks.at('signed out', page);
}
