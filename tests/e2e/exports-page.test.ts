import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { keySetSchema } from '../../lib/contracts/key-set.ts';
import { asAdmin, asDemo, call, createExport, ended, monthOfOrders } from '../support/api.ts';
import { newestExport, signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { credentials, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

test('a file that is exported and downloaded on the page has the size and the hash of its export', async () => {
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
  await page().getByLabel('From', { exact: true }).fill('2024-03-01');
  await page().getByLabel('To', { exact: true }).fill('2024-03-31');
  await page().getByRole('button', { name: 'Export', exact: true }).click();
  await page()
    .getByRole('status')
    .filter({ hasText: /queued|ready/i })
    .waitFor();
  const { id, request } = await newestExport();
  expect(request).toMatchObject({ sources: ['sales'], dataset: 'orders', format: 'csv' });

  const button = page().getByRole('button', { name: new RegExp(`^Download .*${id.slice(-8)}`) });
  await button.waitFor();
  const downloadEvent = page().waitForEvent('download');
  await button.click();
  const download = await downloadEvent;
  const document = await newestExport();
  expect(download.suggestedFilename()).toBe(document.file?.name);
  const bytes = await readFile(await download.path());
  expect(bytes.length).toBe(document.file?.bytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(document.file?.sha256);
});

test('the manifest dialog names the signing key, and saves the manifest of the API unchanged', async () => {
  const { id } = await createExport(monthOfOrders);
  const { file } = await ended(id);
  await signIn(page());
  await page()
    .getByRole('button', { name: new RegExp(`^More for .*${id.slice(-8)}`) })
    .click();
  await page().getByRole('menuitem', { name: 'Manifest' }).click();
  const { keys } = (await call('GET', '/.well-known/jwks.json')).json(keySetSchema);
  await page().getByRole('dialog').getByText(`Signed by the key ${keys[0]?.kid}`).waitFor();
  const downloadEvent = page().waitForEvent('download');
  await page().getByRole('button', { name: 'Save manifest' }).click();
  const saved = await downloadEvent;
  expect(saved.suggestedFilename()).toBe(`${file?.name}.manifest.json`);
  const manifest: unknown = JSON.parse(await readFile(await saved.path(), 'utf8'));
  const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  expect(manifest).toEqual(answer.json(z.looseObject({})));
});

test('the page announces the end of an export once, never its progress, and shows no 100 % before the end', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view watched_customers as
       select c.id, pg_sleep(0.0002)::text as nothing from customers c where c.id <= 2000`,
  );
  await signIn(page());
  await page().evaluate(() => {
    const seen: { announcements: string[]; percents: number[] } = {
      announcements: [],
      percents: [],
    };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      for (const region of document.querySelectorAll('[role=status]')) {
        const text = region.textContent ?? '';
        if (text !== '' && seen.announcements.at(-1) !== text) seen.announcements.push(text);
      }
      for (const bar of document.querySelectorAll('[role=progressbar][aria-valuenow]'))
        seen.percents.push(Number(bar.getAttribute('aria-valuenow')));
    }).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
  });
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'watched_customers');
  await page().getByRole('button', { name: 'Export', exact: true }).click();
  const ready = page()
    .getByRole('row', { name: /^watched_customers/ })
    .getByText('2,000');
  await ready.first().waitFor();
  await page().getByRole('status').filter({ hasText: /ready/ }).waitFor();
  const { announcements, percents } = await page().evaluate(
    (): { announcements: string[]; percents: number[] } => Reflect.get(window, 'seen'),
  );
  expect(announcements.filter((text) => /ready/.test(text))).toHaveLength(1);
  expect(announcements.filter((text) => /%|running/i.test(text))).toEqual([]);
  expect(percents.filter((percent) => percent >= 100)).toEqual([]);
});

test('a cancelled export stops its query within 10 s, after a dialog that says what is discarded', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view endless_customers as
       select c.id, pg_sleep(0.01)::text as nothing from customers c`,
  );
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'endless_customers');
  await page().getByRole('button', { name: 'Export', exact: true }).click();
  const row = page()
    .getByRole('row', { name: /^endless_customers/ })
    .first();
  await row.getByText(/rows/).first().waitFor();
  const { id } = await newestExport();
  const cancel = row.getByRole('button', { name: /^Cancel endless_customers/ });

  await cancel.click();
  await page().keyboard.press('Escape');
  expect(await cancel.evaluate((button) => button === document.activeElement)).toBe(true);

  await cancel.click();
  await page()
    .getByRole('dialog')
    .getByText(/discarded|No rows were written/)
    .waitFor();
  await page().getByRole('button', { name: 'Cancel export' }).click();
  await row.getByText(/^Cancelled/).waitFor();
  expect(await ended(id)).toMatchObject({ status: 'cancelled', file: null });
  await waitFor(
    'the query has stopped',
    async () => {
      const active = await sql(
        sourceUrl('sales'),
        `select 1 from pg_stat_activity where query like 'copy%endless_customers%' and state = 'active'`,
      );
      return active.length === 0 ? true : undefined;
    },
    { seconds: 10 },
  );
});

test('an acknowledged export leaves the list, and the next row takes the focus', async () => {
  const [next, leaving] = [await createExport(monthOfOrders), await createExport(monthOfOrders)];
  const { file } = await ended(leaving.id);
  await ended(next.id);
  await signIn(page());
  const button = page().getByRole('button', {
    name: new RegExp(`^Download .*${leaving.id.slice(-8)}`),
  });
  const downloadEvent = page().waitForEvent('download');
  await button.click();
  await (await downloadEvent).path();
  await page().locator(`#export-${leaving.id}`).getByText('Download started').waitFor();
  await call('POST', `/exports/${leaving.id}/acknowledge`, {
    headers: asDemo,
    body: { sha256: file?.sha256 },
  });
  await page().locator(`#export-${leaving.id}`).waitFor({ state: 'detached', timeout: 40_000 });
  const focused = await page().evaluate(() => document.activeElement?.closest('[role=row]')?.id);
  expect(focused).toBe(`export-${next.id}`);
  await page()
    .getByText(/downloaded\./)
    .first()
    .waitFor();
});

test('exports that were started elsewhere are listed after a press on Show, not by themselves', async () => {
  await signIn(page());
  const first = page().locator('[id^="export-"]').first();
  const before = await first.getAttribute('id');
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  await page()
    .getByText(/1 new export/)
    .waitFor({ timeout: 40_000 });
  expect(await first.getAttribute('id')).toBe(before);
  await page().getByRole('button', { name: 'Show', exact: true }).click();
  await page().locator(`#export-${id}`).waitFor();
});

test('the title counts the exports that become ready while the tab is hidden', async () => {
  const here = page();
  const setHidden = (hidden: boolean) =>
    here.evaluate((isHidden) => {
      const state = isHidden ? 'hidden' : 'visible';
      Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  const pause = '/sources/sales/pause';
  await call('POST', pause, { headers: asAdmin, body: { reason: 'of the title' } });
  try {
    const connected = here.waitForEvent('websocket');
    const ids = [(await createExport(monthOfOrders)).id, (await createExport(monthOfOrders)).id];
    await signIn(here);
    await connected;
    for (const id of ids) await here.locator(`#export-${id}`).waitFor();
    await setHidden(true);
    await call('DELETE', pause, { headers: asAdmin });
    await waitFor('the title has the count', async () =>
      (await here.title()) === '(2) Exports – StreamSync' ? true : undefined,
    );
    await setHidden(false);
    expect(await here.title()).toBe('Exports – StreamSync');
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
});

test('the file link of an event opens the page of the export after the sign-in', async () => {
  const { id } = await newestExport();
  await page().goto(`${stack.api}/exports/${id}/file`);
  await page().getByLabel('Email').fill(credentials.demo.email);
  await page().getByLabel('Password', { exact: true }).fill(credentials.demo.password);
  await page().getByRole('button', { name: 'Sign in' }).click();
  await page().waitForURL(`**/exports/${id}`);
  await page()
    .getByText(new RegExp(id.slice(-8)))
    .first()
    .waitFor();
});

test('a download with a used ticket is a page with the reason and a link for browsers, a problem for programs', async () => {
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const ticket = await call('POST', `/exports/${id}/download`, { headers: asDemo });
  const { url }: { url: string } = JSON.parse(ticket.bytes.toString());
  expect((await call('GET', url)).status).toBe(200);

  const otherBrowser = await another();
  const response = await otherBrowser.goto(url);
  expect(response?.status()).toBe(403);
  await otherBrowser
    .getByRole('heading', { name: 'The download link was used by another browser' })
    .waitFor();
  expect(await otherBrowser.content()).not.toContain('<!--#');
  await otherBrowser.getByRole('link', { name: 'Go to your exports' }).click();
  await otherBrowser.getByLabel('Email').waitFor();

  expect((await call('GET', url)).problem()).toMatchObject({ status: 403, code: 'ticket_used' });
});
