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
  a_personal_account_is_refused_before_it_leaves: journey(async ({ visitor, page, looks, proxy, provider }) => {
    await visitor.goto(`${proxy}/`);
    await looks.at('start page', page);
    await visitor.link('Open /work').first().click();
    assert.equal(await visitor.heading(), 'Sign in');
    await looks.at('sign-in', page);
    await visitor.type('not an address');
    assert.match(await page.title(), /^Error: /);
    await looks.at('sign-in with an error', page);
    await visitor.type('cy@outlook.example');
    assert.equal(await visitor.heading(), PERSONAL_REFUSAL);
    await looks.at('refusal before leaving', page);
    assert(![...visitor.documents].some((url) => url.startsWith(provider)), 'nobody went to the provider');
    await visitor.link('Use a different account').click();
    assert.equal(await visitor.heading(), 'Sign in');
    assert.equal(await page.getByRole('textbox').inputValue(), '');
    await visitor.type('ada@contoso.example');
    await continueAs(visitor, provider, 'Ada');
    await page.waitForURL(`${proxy}/work/`);
    await greets(visitor, 'ada@contoso.example');
  }),

  by_keyboard_only: journey(async ({ visitor, page, proxy, provider }) => {
    const keys = page.keyboard;
    const tabTo = (text) => visitor.tabTo(text);
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

  // Two accounts, one after the other, by nothing but the keyboard, and without scripts.
  one_of_two_accounts_signs_out_by_keyboard: journey(async ({ visitor, page, proxy, provider }) => {
    const keys = page.keyboard;
    const press = async (text, leads_to) => {
      await visitor.tabTo(text);
      await keys.press('Enter');
      await page.waitForURL(leads_to);
    };
    await visitor.goto(`${proxy}/work/`);
    await keys.type('ada@contoso.example');
    await keys.press('Enter');
    await page.waitForURL(`${provider}/**`);
    await press('Continue as Ada', `${proxy}/work/`);
    await visitor.goto(`${proxy}/.auth/session`);
    await press('Add a personal account', `${provider}/**`);
    await press('Continue as Cy', `${proxy}/.auth/session`);
    assert.equal(await visitor.heading(), 'You are signed in with 2 accounts');
    await press('Sign out cy@outlook.example', `${proxy}/.auth/signed-out`);
    assert.equal(await visitor.heading(), 'Your personal account is signed out');
    await press('See who is signed in', `${proxy}/.auth/session`);
    assert.equal(await visitor.heading(), 'You are signed in');
    await visitor.goto(`${proxy}/work/`);
    await greets(visitor, 'ada@contoso.example');
    await visitor.goto(`${proxy}/personal/`);
    assert.match(await visitor.heading(), /work or school account/, 'only the work account is left');
  }, { javaScriptEnabled: false }),

  two_accounts_side_by_side: journey(async (world) => {
    const { visitor, page, looks, proxy, provider } = world;
    await visitor.goto(`${proxy}/.auth/session`);
    assert.equal(await visitor.heading(), 'You are not signed in');
    await looks.at('nobody is signed in', page);
    await signIn(world, '/work/', 'ada@contoso.example', 'Ada');
    await visitor.goto(`${proxy}/.auth/session?return_to=/work/`);
    await looks.at('one account is signed in', page);
    await visitor.link('Add a personal account').click();
    await continueAs(visitor, provider, 'Cy');
    await page.waitForURL(`${proxy}/.auth/session?**`);
    assert.equal(await visitor.heading(), 'You are signed in with 2 accounts');
    await looks.at('two accounts are signed in', page);
    await visitor.link('Switch account from ada@contoso.example').click();
    await continueAs(visitor, provider, 'Bo');
    await page.waitForURL(`${proxy}/.auth/session?**`);
    const names = await page.getByRole('heading', { level: 2 }).allInnerTexts();
    assert.deepEqual(names, ['bo@fabrikam.example', 'cy@outlook.example']);
    await visitor.link('Back to').click();
    await page.waitForURL(`${proxy}/work/`);
    await greets(visitor, 'bo@fabrikam.example');
    await visitor.link('Sign out').click();
    await looks.at('sign-out question with two accounts', page);
    await visitor.theButton('Sign out bo@fabrikam.example').click();
    await page.waitForURL(`${proxy}/.auth/signed-out`);
    assert.equal(await visitor.heading(), 'Your work or school account is signed out');
    assert.match(await page.locator('main').innerText(), /still signed in with your personal account cy@outlook.example/);
    await looks.at('signed out of one of two', page);
    await visitor.goto(`${proxy}/personal/`);
    await greets(visitor, 'cy@outlook.example');
  }),

  // By somebody whom no other journey needs: the others go on.
  signing_out_everywhere: journey(async (world) => {
    const { visitor, page, looks, proxy } = world;
    await signIn(world, '/personal/', 'gil@gmail.example', 'Gil');
    await visitor.goto(`${proxy}/.auth/session`);
    await visitor.theButton('Sign out everywhere').click();
    await page.waitForURL(`${proxy}/.auth/signed-out`);
    assert.equal(await visitor.heading(), 'You are signed out everywhere');
    await looks.at('signed out everywhere', page);
  }),

  without_scripts: journey(async (world) => {
    const { visitor, page, proxy } = world;
    await signIn(world, '/work/', 'ada@contoso.example', 'Ada');
    await greets(visitor, 'ada@contoso.example');
    await visitor.link('Sign out').click();
    await visitor.theButton('Sign out').click();
    await page.waitForURL(`${proxy}/.auth/signed-out`);
  }, { javaScriptEnabled: false }),

  // The pages' policy has no place for scripts, so nothing may be missing without them.
  signing_out_ends_the_session_here_and_at_the_provider: journey(async (world) => {
    const { visitor, page, looks, proxy, provider } = world;
    await visitor.goto(`${proxy}/work/`);
    await visitor.type('ada@contoso.example');
    await page.waitForURL(`${provider}/**`);
    await looks.at('provider sign-in', page);
    await continueAs(visitor, provider, 'Ada');
    await page.waitForURL(`${proxy}/work/`);
    await looks.at('sample app', page);
    await has_a_session_for_this_host_only(world);
    await visitor.link('Sign out').click();
    await looks.at('sign-out question', page);
    await visitor.theButton('Sign out').click();
    await page.waitForURL(`${proxy}/.auth/signed-out`);
    assert.equal(await visitor.heading(), 'You are signed out');
    await looks.at('signed out', page);
    assert(visitor.has_been_at(`${provider}/organizations/oauth2/v2.0/logout`), 'the provider was told');
    assert.deepEqual(sessions(await visitor.context.cookies(proxy)), []);
    await visitor.goto(`${proxy}/.auth/sign-out`);
    await looks.at('sign-out with nobody signed in', page);
    // Neither here nor there: the provider asks again.
    await visitor.goto(`${proxy}/work/`);
    await visitor.type('ada@contoso.example');
    await page.waitForURL(`${provider}/**`);
    await visitor.button('Continue as Ada').waitFor();
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
      assert.match(await page.locator('main').innerText(), new RegExp(`\\b${kind} account`));
      if (kind === 'work') {
        await visitor.goto(`${proxy}/mailbox`);
        await looks.at('mailbox', page);
      }
      await visitor.context.clearCookies();
    }
    await visitor.goto(`${proxy}/any/`);
    await visitor.type('dee@contoso.example');
    await visitor.link('Use another address').click();
    assert.equal(await visitor.heading(), 'Sign in');
  }),

  the_token_decides_on_a_route_for_others: journey(async (world) => {
    const { visitor, page, looks, proxy, provider } = world;
    await signIn(world, '/any/', 'cy@outlook.example', 'Cy');
    await greets(visitor, 'cy@outlook.example');
    await visitor.goto(`${proxy}/work/`);
    assert.equal(await visitor.heading(), PERSONAL_REFUSAL);
    await looks.at('refusal of somebody signed in', page);
    await visitor.link('Use a different account').click();
    await visitor.type('ada@contoso.example');
    await continueAs(visitor, provider, 'Ada');
    await page.waitForURL(`${proxy}/work/`);
    await greets(visitor, 'ada@contoso.example');
    // Both are signed in now, side by side.
    await visitor.goto(`${proxy}/personal/`);
    await greets(visitor, 'cy@outlook.example');
  }),

  a_guest_is_refused_where_only_members_are_taken: journey(async (world) => {
    const { visitor, page, looks, proxy, provider } = world;
    await visitor.goto(`${proxy}/contoso/`);
    await visitor.type('eve@mail.example');
    await continueAs(visitor, provider, 'Eve');
    await page.waitForURL(`${proxy}/**`);
    assert.match(await visitor.heading(), /personal account/);
    await looks.at('guest refused', page);
    await visitor.link('Use a different account').click();
    await visitor.type('ada@contoso.example');
    await continueAs(visitor, provider, 'Ada');
    await page.waitForURL(`${proxy}/contoso/`);
    // The same guest, where guests are taken.
    await visitor.context.clearCookies();
    await signIn(world, '/partners/', 'eve@mail.example', 'Eve');
    await greets(visitor, 'eve@mail.example');
  }),

  whoever_cancels_can_try_again: journey(async ({ visitor, page, looks, proxy, provider }) => {
    await visitor.goto(`${proxy}/work/`);
    await visitor.type('ada@contoso.example');
    await page.waitForURL(`${provider}/**`);
    await visitor.button('Cancel').click();
    await page.waitForURL(`${proxy}/**`);
    assert.match(await visitor.heading(), /cancelled/);
    await looks.at('cancelled', page);
    await visitor.link('Try again').click();
    await visitor.type('ada@contoso.example');
    await continueAs(visitor, provider, 'Ada');
    await page.waitForURL(`${proxy}/work/`);
    await greets(visitor, 'ada@contoso.example');
  }),

  a_provider_that_fails: journey(async ({ visitor, page, looks, proxy, provider }) => {
    await visitor.goto(`${proxy}/work/`);
    await visitor.type('flo@contoso.example');
    await continueAs(visitor, provider, 'Flo');
    await page.waitForURL(`${proxy}/**`);
    await looks.at('provider fails', page);
    await visitor.goto(`${proxy}/work/`);
    await visitor.type('ada@contoso.example');
    await page.waitForURL(`${provider}/**`);
    await page.getByText('Break it').click();
    await page.getByLabel('Consent is required').check();
    await looks.at('provider with its menu open', page);
    await visitor.button('Continue as Ada').click();
    await page.waitForURL(`${proxy}/**`);
    await looks.at('provider wants consent', page);
  }),

  links_that_lead_nowhere: journey(async ({ visitor, page, looks, proxy, provider }) => {
    await visitor.goto(`${proxy}/.auth/callback/work?code=abc&state=def`);
    await looks.at('expired link', page);
    await visitor.goto(`${proxy}/nowhere`);
    await looks.at('nothing there', page);
    await visitor.link('Go to the front page').click();
    await page.waitForURL(`${proxy}/`);
    await visitor.goto(`${provider}/`);
    await looks.at('provider front page', page);
    await visitor.goto(`${provider}/nowhere`);
    await looks.at('provider knows no such page', page);
    await visitor.goto(`${proxy}/public/`);
    await looks.at('sample app, nobody signed in', page);
  }),

  // Who has switched refreshes off, or a browser that does not know them, follows the link.
  the_page_in_between_has_a_link: journey(async ({ visitor, page, looks, proxy, provider }) => {
    const to_the_provider = `${provider}/**/authorize*`;
    await page.route(to_the_provider, (route) => route.fulfill({ status: 204 }));
    await visitor.goto(`${proxy}/work/`);
    const refreshed = page.waitForRequest(to_the_provider);
    await visitor.type('ada@contoso.example');
    await refreshed;
    await looks.at('on the way to the provider', page);
    await page.unroute(to_the_provider);
    await visitor.link('Continue to').click();
    await continueAs(visitor, provider, 'Ada');
    await page.waitForURL(`${proxy}/work/`);
    await greets(visitor, 'ada@contoso.example');
  }),

  going_back_leads_nowhere_without_a_way_on: journey(async (world) => {
    const { visitor, page, proxy } = world;
    await visitor.goto(`${proxy}/public/`);
    await visitor.link('Work accounts').click();
    await visitor.type('ada@contoso.example');
    await continueAs(visitor, world.provider, 'Ada');
    await page.waitForURL(`${proxy}/work/`);
    const seen = [];
    for (let steps = 0; page.url() !== `${proxy}/public/`; steps += 1) {
      assert(steps < 8, `the first page is too far away: ${seen.join(' < ')}`);
      await page.goBack();
      seen.push(`${new URL(page.url()).pathname} "${await visitor.heading()}"`);
      assert(await page.locator('main a, main button').count() > 0, `no way on: ${seen.join(' < ')}`);
    }
    assert(seen.length > 1, 'pages between the first and the last');
    await visitor.link('Work accounts').click();
    await greets(visitor, 'ada@contoso.example');
  }),
};

/** Other cookies of ours outlast a session, like the note to ask for an account. */
const sessions = (cookies) => cookies.filter(({ name }) => name.startsWith('homerealm-s-'));

async function has_a_session_for_this_host_only({ visitor, page, proxy }) {
  const cookies = sessions(await visitor.context.cookies(proxy));
  assert(cookies.length > 0, 'there is a session');
  const wanted = { domain: 'localhost', path: '/', httpOnly: true, sameSite: 'Lax', expires: -1 };
  for (const { name, domain, path, httpOnly, sameSite, expires } of cookies) {
    // A leading dot would mean every host below.
    assert.deepEqual({ domain, path, httpOnly, sameSite, expires }, wanted, name);
  }
  assert.equal(await page.evaluate(() => document.cookie), '');
}
