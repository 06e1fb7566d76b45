import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { call, createExport, ended, monthOfOrders } from '../stack/api.ts';
import { newestExport, signIn, usePages } from '../stack/browser.ts';
import { choose } from '../stack/chromium.ts';
import { credentials, home, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const { page, another } = usePages();

// Each test looks whether another export has become the newest.
beforeAll(async () => {
  await ended((await createExport(monthOfOrders)).id);
});

const exportButton = (of: Page) => of.getByRole('button', { name: 'Export', exact: true });

test('a form without a dataset is refused: the summary has the focus, its link goes to the field', async () => {
  await signIn(page());
  await choose(page(), 'Source', 'iot');
  const before = await newestExport();
  await exportButton(page()).click();
  await page().getByText('There is a problem').waitFor();
  const focused = await page().evaluate(() => document.activeElement?.textContent ?? '');
  expect(focused).toContain('There is a problem');
  await page().getByRole('alert').getByRole('link').first().click();
  const dataset = page().getByRole('combobox', { name: 'Dataset', exact: true });
  expect(await dataset.evaluate((field) => field === document.activeElement)).toBe(true);
  const source = page().getByRole('combobox', { name: 'Source', exact: true });
  expect(await source.inputValue()).toBe('iot');
  expect((await newestExport()).id).toBe(before.id);
});

test('a wrong password keeps the email and says so', async () => {
  await page().goto(stack.url);
  await page().getByLabel('Email').fill(credentials.demo.email);
  await page().getByLabel('Password', { exact: true }).fill('wrong');
  await page().getByRole('button', { name: 'Sign in' }).click();
  await page().getByText('Email or password is not right. Try again.').waitFor();
  expect(await page().getByLabel('Email').inputValue()).toBe(credentials.demo.email);
});

test('a double click is one export, and days are those of the zone that is shown', async () => {
  const berlin = await another({ timezoneId: 'Europe/Berlin' });
  await signIn(berlin);
  await choose(berlin, 'Source', 'sales');
  await choose(berlin, 'Dataset', 'orders');
  await berlin.getByLabel('From', { exact: true }).fill('2026-03-01');
  await berlin.getByLabel('To', { exact: true }).fill('2026-03-31');
  const before = await newestExport();
  await exportButton(berlin).dblclick();
  const made = await until('an export was made', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(made.request).toMatchObject({
    from: '2026-02-28T23:00:00Z',
    to: '2026-03-31T22:00:00Z',
  });
  await berlin.locator(`#export-${made.id}`).waitFor();
  const [{ count } = { count: 0 }] = await sql<{ count: number }>(
    stack.postgres.catalogue,
    'select count(*)::int from exports where created_at >= $1',
    [made.createdAt],
  );
  expect(count).toBe(1);
});

test('the session ends while the form is filled in: sign in again, and it goes on as it was', async () => {
  await page().goto(stack.url);
  const session = await sessionOfDemo(10);
  await page().evaluate(
    (kept) => sessionStorage.setItem('streamsync.session', kept),
    JSON.stringify({
      token: session,
      // The page is not told how soon: as if the session were revoked.
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      email: credentials.demo.email,
    }),
  );
  await page().reload();
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'orders');
  await page().getByLabel('From', { exact: true }).fill('2024-03-01');
  await page().getByLabel('To', { exact: true }).fill('2024-03-02');
  await until('the session has ended', async () => {
    const answer = await call('GET', '/exports?limit=1', {
      headers: { authorization: `Bearer ${session}` },
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
  expect(await page().getByLabel('To', { exact: true }).inputValue()).toBe('2024-03-02');
  const made = await until('the refused call went on', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(made.request).toMatchObject({ dataset: 'orders', to: '2024-03-03T00:00:00Z' });
});

test('the whole of it by keyboard: sign in, choose, export, download', async () => {
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
  // The heading has the focus; the form stands before it.
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
  await tabTo(page(), 'From');
  await keyboard.type('2024-03-01');
  await tabTo(page(), 'To');
  await keyboard.type('2024-03-31');
  await tabTo(page(), 'Export');
  await keyboard.press('Enter');

  const made = await until('an export was made', async () => {
    const newest = await newestExport();
    return newest.id !== before.id ? newest : undefined;
  });
  expect(made.request).toMatchObject({ sources: ['sales'], dataset: 'orders' });
  await until('the new row has the focus', async () => {
    const id = await page().evaluate(() => document.activeElement?.id);
    return id === `export-${made.id}` ? true : undefined;
  });
  const name = new RegExp(`^Download .*${made.id.slice(-8)}`);
  await page().getByRole('button', { name }).waitFor();
  await tabTo(page(), name);
  const begun = page().waitForEvent('download');
  await keyboard.press('Enter');
  expect((await begun).suggestedFilename()).toContain(made.id.slice(-8));
});

/** Tabs until what has the focus is named so. */
async function tabTo(of: Page, wanted: string | RegExp, key = 'Tab'): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await of.keyboard.press(key);
    const name = await of.evaluate(() => {
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
      return names.find((it) => typeof it === 'string' && it !== '')?.trim() ?? '';
    });
    if (typeof wanted === 'string' ? name === wanted : wanted.test(name)) return;
    passed.push(name);
  }
  throw new Error(`the keyboard does not reach ${String(wanted)}, only ${passed.join(', ')}`);
}

/** A session that the functions take for so many seconds. */
async function sessionOfDemo(seconds: number): Promise<string> {
  const { tokenSecret } = z
    .object({ tokenSecret: z.string() })
    .parse(JSON.parse(await readFile(join(home(), 'secrets.json'), 'utf8')));
  const { email, password } = credentials.demo;
  const signedIn = await call('POST', '/sessions', { body: { email, password } });
  const { token } = signedIn.json(sessionSchema);
  return new SignJWT(decodeJwt(token))
    .setProtectedHeader({ alg: 'HS256', ...decodeProtectedHeader(token) })
    .setIssuedAt()
    .setExpirationTime(`${seconds} s`)
    .sign(new TextEncoder().encode(tokenSecret));
}
