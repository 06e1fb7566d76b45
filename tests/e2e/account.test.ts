import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, call } from '../support/api.ts';
import { violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { fitsWindow } from '../support/overflow.ts';
import { statusOf } from '../support/sessions.ts';
import { stack } from '../support/stack.ts';

const { page, another } = useBrowser();

async function openAccount(onPage: Page, account: OwnAccount): Promise<void> {
  await signIn(onPage, account);
  await onPage.getByRole('button', { name: `Account ${account.email}` }).click();
  await onPage.getByRole('link', { name: 'Account', exact: true }).click();
  await onPage.getByRole('heading', { name: 'Account', level: 1 }).waitFor();
  await onPage.getByRole('heading', { name: 'API keys' }).waitFor();
}

const isFocused = (onPage: Page, name: string): Promise<boolean> =>
  onPage
    .getByRole('button', { name, exact: true })
    .evaluate((element) => element === document.activeElement);

test('a key is created by keyboard, its secret is shown once, and it is revoked', async () => {
  const account = await newAccount();
  const here = page();
  await openAccount(here, account);
  await here.getByRole('button', { name: 'Create key' }).focus();
  await here.keyboard.press('Enter');
  const form = here.getByRole('dialog', { name: 'Create a key' });
  await form.waitFor();
  await form.getByRole('button', { name: 'Create key' }).press('Enter');
  const problem = form.getByRole('alert');
  await problem.getByText('There is a problem').waitFor();
  expect(await problem.evaluate((alert) => alert === document.activeElement)).toBe(true);
  await problem.getByRole('link', { name: 'Enter a name for the key.' }).press('Enter');
  await here.keyboard.type('Nightly report');
  await form.getByLabel(/^Administer/).waitFor({ state: 'detached' });
  await form.getByLabel(/^See exports/).focus();
  await here.keyboard.press('Space');
  await form.getByRole('button', { name: 'Create key' }).press('Enter');

  const secretDialog = here.getByRole('dialog', { name: 'Key Nightly report' });
  await secretDialog.getByText('Shown once. Store it now.').waitFor();
  const secret = (await secretDialog.locator('[data-secret]').textContent()) ?? '';
  expect(await statusOf({ 'x-api-key': secret })).toBe(200);
  // A press outside does nothing; Esc asks first, also the second time.
  await here.mouse.click(5, 5);
  const question = here.getByRole('dialog', { name: 'Close without copying?' });
  for (let time = 1; time <= 2; time++) {
    await here.keyboard.press('Escape');
    await question.waitFor();
    await here.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await secretDialog.locator('[data-secret]').isVisible()).toBe(true);
  }
  await here.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await secretDialog.getByRole('button', { name: 'Copy key' }).click();
  await secretDialog.getByRole('button', { name: 'Copied key' }).waitFor();
  expect(await here.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  await here.keyboard.press('Escape');
  await secretDialog.waitFor({ state: 'detached' });

  const row = here.getByRole('row', { name: /^Nightly report/ });
  await row.getByText('exports:read', { exact: true }).waitFor();
  expect(await row.textContent()).toContain(secret.slice(0, 8));
  await here.getByRole('button', { name: 'Revoke Nightly report' }).click();
  await here.keyboard.press('Escape');
  expect(await isFocused(here, 'Revoke Nightly report')).toBe(true);
  await here.keyboard.press('Enter');
  await here.getByRole('button', { name: 'Revoke key' }).click();
  await row.waitFor({ state: 'detached' });
  expect(await statusOf({ 'x-api-key': secret })).toBe(401);
});

test('the password is changed, and signing out everywhere ends the other browser too', async () => {
  const account = await newAccount();
  const here = page();
  await openAccount(here, account);
  const next = `${account.password}-next`;
  await here.getByLabel('Current password').fill('wrong');
  await here.getByLabel('New password').fill(next);
  await here.getByRole('button', { name: 'Change password' }).click();
  await here.getByRole('alert').getByText('There is a problem').waitFor();
  expect(await here.getByLabel('New password').inputValue()).toBe(next);
  await here.getByLabel('Current password').fill(account.password);
  await here.getByRole('button', { name: 'Change password' }).click();
  await here.getByText('Password changed. Your other sessions ended.').waitFor();

  const other = await another();
  await signIn(other, { ...account, password: next });
  await here.getByRole('button', { name: 'Sign out everywhere' }).click();
  await here.getByRole('button', { name: 'Stay' }).click();
  await here.getByRole('button', { name: 'Sign out everywhere' }).click();
  await here.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
  await here.getByRole('heading', { name: 'Sign in' }).waitFor();
  await other.goto(`${stack.url}/account`);
  await other.getByText('Your session ended. Sign in to continue.').waitFor();
});

test('quotas are meters, and the page has no axe violations and fits a phone', async () => {
  const account = await newAccount();
  await call('PUT', `/accounts/${account.email}/limits`, {
    headers: asAdmin,
    body: { maxRows: 5_000, maxBytes: null, maxRowsPerDay: 10_000_000 },
  });
  const here = page();
  await openAccount(here, account);
  const meter = here.getByRole('meter', { name: 'Rows today' });
  expect(await meter.getAttribute('aria-valuetext')).toBe(
    '0 of 10.0 million rows today, resets 00:00 UTC',
  );
  await here.getByText('At most 5,000 rows').waitFor();
  expect(await violations(here)).toEqual([]);
  await here.emulateMedia({ colorScheme: 'dark' });
  expect(await violations(here, { theme: 'dark' })).toEqual([]);
  await here.getByRole('button', { name: 'Create key' }).click();
  await here.getByRole('dialog').waitFor();
  expect(await violations(here, { theme: 'dark', within: 'dialog' })).toEqual([]);
  await here.keyboard.press('Escape');
  await here.setViewportSize({ width: 320, height: 640 });
  await here.getByRole('heading', { name: 'API keys' }).waitFor();
  await fitsWindow(here);
});

test('the sign-in page continues with the provider, and goes where the link pointed', async () => {
  const { email, password } = await newAccount();
  const answer = await call('POST', '/sessions', { body: { email, password } });
  const session = answer.json(sessionSchema);
  const here = page();
  // The provider is played by the test: it sends the browser back at once.
  await here.route('**/api/v1/sign-in-methods', (route) =>
    route.fulfill({ json: { password: true, oidc: { name: 'Acme' } } }),
  );
  const secret = 's'.repeat(43);
  await here.route('**/api/v1/sessions/oidc', (route) =>
    route.fulfill({ json: { url: `${stack.url}/sign-in/callback?code=one&state=two`, secret } }),
  );
  const bodies: unknown[] = [];
  await here.route('**/api/v1/sessions/oidc/callback', (route) => {
    bodies.push(route.request().postDataJSON());
    return route.fulfill({ status: 201, json: session });
  });
  await here.goto(`${stack.url}/account`);
  await here.getByRole('button', { name: 'Continue with Acme' }).click();
  await here.getByRole('heading', { name: 'Account', level: 1 }).waitFor();
  await here.getByRole('button', { name: `Account ${email}` }).waitFor();
  expect(bodies).toEqual([{ code: 'one', state: 'two', secret }]);
  // A browser that did not start the sign-in cannot complete it.
  const other = await another();
  await other.goto(`${stack.url}/sign-in/callback?code=one&state=two`);
  await other.getByText('The sign-in was not completed. Start it again.').waitFor();
});
