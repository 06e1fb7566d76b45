import { beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { call, createExport, ended, monthOfOrders } from '../support/api.ts';
import { newestExport, signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { waitForFocus } from '../support/focus.ts';
import { datesButton, exportButton, typeDates } from '../support/form.ts';
import { signAgain } from '../support/sessions.ts';
import { credentials, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

// The tests compare the newest export before and after a press, so there has to be one.
beforeAll(async () => {
  await ended((await createExport(monthOfOrders)).id);
});

test('a form without a dataset creates no export; its error summary takes the focus and links to the field', async () => {
  await signIn(page());
  await selectOption(page(), 'Source', 'iot');
  const before = await newestExport();
  await exportButton(page()).click();
  await page().getByText('There is a problem').waitFor();
  const focused = await page().evaluate(() => document.activeElement?.textContent ?? '');
  expect(focused).toContain('There is a problem');
  await page().getByRole('alert').getByRole('link').first().click();
  const dataset = page().getByRole('combobox', { name: 'Dataset', exact: true });
  await waitForFocus(dataset);
  const source = page().getByRole('combobox', { name: 'Source', exact: true });
  expect(await source.inputValue()).toBe('iot');
  expect((await newestExport()).id).toBe(before.id);
});

test('a wrong password shows an error and keeps the email', async () => {
  await page().goto(stack.url);
  await page().getByLabel('Email').fill(credentials.demo.email);
  await page().getByLabel('Password', { exact: true }).fill('wrong');
  await page().getByRole('button', { name: 'Sign in' }).click();
  await page().getByText('Incorrect email or password. Try again.').waitFor();
  expect(await page().getByLabel('Email').inputValue()).toBe(credentials.demo.email);
});

test('a double click on Export creates one export, with days in the zone of the page', async () => {
  const berlin = await another({ timezoneId: 'Europe/Berlin' });
  await signIn(berlin);
  await selectOption(berlin, 'Source', 'sales');
  await selectOption(berlin, 'Dataset', 'orders');
  await typeDates(berlin, { from: '2026-03-01', to: '2026-03-31' });
  const before = await newestExport();
  await exportButton(berlin).dblclick();
  const created = await waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(created.request).toMatchObject({
    from: '2026-02-28T23:00:00Z',
    to: '2026-03-31T22:00:00Z',
  });
  await berlin.locator(`#export-${created.id}`).waitFor();
  const [{ count } = { count: 0 }] = await sql<{ count: number }>(
    stack.postgres.catalogue,
    'select count(*)::int from exports where created_at >= $1',
    [created.createdAt],
  );
  expect(count).toBe(1);
});

test('a session that ends while the form is filled in keeps the form, and the call is repeated after the sign-in', async () => {
  await page().goto(stack.url);
  const token = await createSessionToken(10);
  await page().evaluate(
    (saved) => sessionStorage.setItem('streamsync.session', saved),
    JSON.stringify({
      token,
      // The page believes in an hour, so that the end looks like a revoked session.
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      email: credentials.demo.email,
    }),
  );
  await page().reload();
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
  await typeDates(page(), { from: '2024-03-01', to: '2024-03-02' });
  await waitFor('the session has ended', async () => {
    const answer = await call('GET', '/exports?limit=1', {
      headers: { authorization: `Bearer ${token}` },
    });
    return answer.status === 401 ? true : undefined;
  });
  const before = await newestExport();
  await exportButton(page()).click();

  const dialog = page().getByRole('dialog', {
    name: 'Your session ended. Sign in to continue.',
  });
  await dialog.waitFor();
  await dialog.getByLabel('Password', { exact: true }).fill(credentials.demo.password);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.waitFor({ state: 'detached' });
  await datesButton(page()).getByText('1 Mar – 2 Mar 2024').waitFor();
  const created = await waitFor('the call was repeated', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(created.request).toMatchObject({ dataset: 'orders', to: '2024-03-03T00:00:00Z' });
});

test('the keyboard is enough to sign in, choose, export and download', async () => {
  const { keyboard } = page();
  await page().goto(stack.url);
  await page().getByLabel('Email').waitFor();
  await keyboard.type(credentials.demo.email);
  await keyboard.press('Tab');
  await keyboard.type(credentials.demo.password);
  await keyboard.press('Enter');
  await page().getByRole('heading', { name: 'Exports', level: 1 }).waitFor();
  const before = await newestExport();

  await page().getByRole('combobox', { name: 'Source', exact: true }).waitFor();
  // The heading has the focus, and the form comes before it.
  await tabTo(page(), 'Source', 'Shift+Tab');
  await keyboard.type('sal');
  await page()
    .getByRole('option', { name: /^sales/ })
    .waitFor();
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await tabTo(page(), 'Dataset');
  await keyboard.type('orders');
  await keyboard.press('Tab');
  await tabTo(page(), 'Dates');
  await keyboard.press('Enter');
  await page().getByLabel('From', { exact: true }).waitFor();
  await keyboard.type('2024-03-01');
  await tabTo(page(), 'To');
  await keyboard.type('2024-03-31');
  await keyboard.press('Enter');
  await waitForFocus(datesButton(page()));
  await tabTo(page(), 'Export');
  await keyboard.press('Enter');

  const created = await waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id !== before.id ? newest : undefined;
  });
  expect(created.request).toMatchObject({ sources: ['sales'], dataset: 'orders' });
  await waitFor('the new row has the focus', async () => {
    const id = await page().evaluate(() => document.activeElement?.id);
    return id === `export-${created.id}` ? true : undefined;
  });
  const name = new RegExp(`^Download .*${created.id.slice(-8)}`);
  await page().getByRole('button', { name }).waitFor();
  await tabTo(page(), name);
  const downloadEvent = page().waitForEvent('download');
  await keyboard.press('Enter');
  expect((await downloadEvent).suggestedFilename()).toContain(created.id.slice(-8));
});

test('at 1280 × 900 the filled form is at most 760 px high, and its footer has the estimate and both buttons', async () => {
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
  await typeDates(page(), { from: '2024-03-01', to: '2024-03-31' });
  await page()
    .getByText(/^~[\d,]+ rows · /)
    .waitFor();
  const { height } = (await page().getByRole('region', { name: 'New export' }).boundingBox()) ?? {
    height: Number.POSITIVE_INFINITY,
  };
  console.info(`the form is ${height} px high`);
  expect(height).toBeLessThanOrEqual(760);
  await page().setViewportSize({ width: 1280, height: 640 });
  for (const name of ['Preview 20 rows', 'Export'])
    expect(
      await page()
        .getByRole('button', { name, exact: true })
        .evaluate((button) => button.getBoundingClientRect().bottom <= innerHeight),
    ).toBe(true);
});

test('a phone has the estimate and the button Export in sight, whatever the form shows', async () => {
  const phone = await another({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await signIn(phone);
  await phone.goto(`${stack.url}/exports/new?source=sales&dataset=orders`);
  await phone.getByText(/^~[\d,]+ rows · /).waitFor();
  for (const name of [/^Columns/, /^More options/]) await phone.getByRole('button', { name }).tap();
  await phone.getByLabel('Keep the file for').waitFor();
  for (const part of [exportButton(phone), phone.getByText(/^~[\d,]+ rows · /)])
    expect(
      await part.evaluate((element) => {
        const { top, bottom } = element.getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
      }),
    ).toBe(true);
});

test('the fields are drawn before the sources are loaded, and Export waits for them', async () => {
  const held = Promise.withResolvers<void>();
  await page().route('**/api/v1/sources', async (route) => {
    await held.promise;
    await route.continue();
  });
  await signIn(page());
  for (const name of ['Source', 'Dataset'])
    await page().getByRole('combobox', { name, exact: true }).waitFor();
  await datesButton(page()).waitFor();
  await page().getByRole('radio', { name: 'Parquet' }).waitFor();
  expect(await exportButton(page()).getAttribute('aria-disabled')).toBe('true');
  const before = await page().getByRole('region', { name: 'New export' }).boundingBox();
  held.resolve();
  await waitFor('the sources are there', async () =>
    (await exportButton(page()).getAttribute('aria-disabled')) === null ? true : undefined,
  );
  expect(await page().getByRole('region', { name: 'New export' }).boundingBox()).toEqual(before);
});

test('a reload keeps the draft of the account, its conditions and its dates; another account does not get it', async () => {
  await signIn(page());
  await page().goto(`${stack.url}/exports/new?source=sales&dataset=orders&from=2024-03-01`);
  await datesButton(page()).getByText('From 1 Mar 2024').waitFor();
  await typeDates(page(), { from: '2024-04-01' });
  await page()
    .getByRole('button', { name: /^Conditions none/ })
    .click();
  await page().getByRole('button', { name: 'Add condition' }).click();
  await page().getByLabel('Column of condition 1').selectOption('status');
  await page().getByLabel('Value of condition 1').fill('cancelled');
  await page().reload();
  await page().getByRole('button', { name: 'Conditions status = cancelled' }).waitFor();
  await datesButton(page()).getByText('From 1 Apr 2024').waitFor();

  await page()
    .getByRole('button', { name: /^Account/ })
    .click();
  await page().getByRole('button', { name: 'Sign out' }).click();
  await signIn(page(), credentials.other);
  await datesButton(page()).getByText('All times').waitFor();
  await page()
    .getByRole('button', { name: /^Conditions none/ })
    .waitFor();
});

test('without a connection Export says so, and sends nothing when the connection is back', async () => {
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
  const before = await newestExport();
  let sent = 0;
  page().on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/v1/exports')) sent++;
  });
  await page().context().setOffline(true);
  await exportButton(page()).click();
  await page()
    .getByRole('alert')
    .getByText(/^You are offline\. Nothing was sent, and nothing will be sent by itself\./)
    .waitFor();
  expect(await exportButton(page()).textContent()).toBe('Export');
  await page().context().setOffline(false);
  await page()
    .getByText(/^~[\d,]+ rows · /)
    .waitFor();
  expect(sent).toBe(0);
  await exportButton(page()).click();
  const created = await waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(created.request.dataset).toBe('orders');
  expect(sent).toBe(1);
});

/** Presses the key until the focused element has the name. */
async function tabTo(onPage: Page, wanted: string | RegExp, key = 'Tab'): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await onPage.keyboard.press(key);
    const name = await onPage.evaluate(() => {
      const focused = document.activeElement;
      if (!(focused instanceof HTMLElement)) return '';
      const labelledBy = focused.getAttribute('aria-labelledby')?.split(' ')[0] ?? '';
      const labels = focused instanceof HTMLInputElement ? [...(focused.labels ?? [])] : [];
      const names = [
        focused.getAttribute('aria-label'),
        document.getElementById(labelledBy)?.textContent,
        labels[0]?.textContent,
        focused.textContent,
      ];
      return names.find((text) => typeof text === 'string' && text !== '')?.trim() ?? '';
    });
    if (typeof wanted === 'string' ? name === wanted : wanted.test(name)) return;
    passed.push(name);
  }
  throw new Error(
    `60 presses of ${key} did not reach ${String(wanted)}, only ${passed.join(', ')}`,
  );
}

/** Returns a session token of the demo account that expires after `seconds`. */
async function createSessionToken(seconds: number): Promise<string> {
  const { email, password } = credentials.demo;
  const signedIn = await call('POST', '/sessions', { body: { email, password } });
  const now = Math.floor(Date.now() / 1_000);
  return signAgain(signedIn.json(sessionSchema).token, { iat: now, exp: now + seconds });
}
