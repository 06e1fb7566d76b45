import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { keySetSchema } from '../../lib/contracts/key-set.ts';
import { asDemo, call, createExport, ended, monthOfOrders } from '../stack/api.ts';
import { newestExport, signIn, usePages } from '../stack/browser.ts';
import { choose } from '../stack/chromium.ts';
import { credentials, sourceUrl, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const { page, another } = usePages();

test('sign in, export, watch, download: the bytes are those of the manifest', async () => {
  await signIn(page());
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'orders');
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
  const begun = page().waitForEvent('download');
  await button.click();
  const download = await begun;
  const document = await newestExport();
  expect(download.suggestedFilename()).toBe(document.file?.name);
  const bytes = await readFile(await download.path());
  expect(bytes.length).toBe(document.file?.bytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(document.file?.sha256);
});

test('the manifest is shown as signed, and saved it is what was signed', async () => {
  const { id } = await createExport(monthOfOrders);
  const { file } = await ended(id);
  await signIn(page());
  await page()
    .getByRole('button', { name: new RegExp(`^More for .*${id.slice(-8)}`) })
    .click();
  await page().getByRole('menuitem', { name: 'Manifest' }).click();
  const { keys } = (await call('GET', '/.well-known/jwks.json')).json(keySetSchema);
  await page().getByRole('dialog').getByText(`Signed by the key ${keys[0]?.kid}`).waitFor();
  const begun = page().waitForEvent('download');
  await page().getByRole('button', { name: 'Save manifest' }).click();
  const saved = await begun;
  expect(saved.suggestedFilename()).toBe(`${file?.name}.manifest.json`);
  const manifest: unknown = JSON.parse(await readFile(await saved.path(), 'utf8'));
  const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  expect(manifest).toEqual(answer.json(z.looseObject({})));
});

test('an export that ends is announced once, its progress never; 100 % is never shown before', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view watched_customers as
       select c.id, pg_sleep(0.0002)::text as nothing from customers c where c.id <= 2000`,
  );
  await signIn(page());
  await page().evaluate(() => {
    const seen: { said: string[]; percents: number[] } = { said: [], percents: [] };
    Object.assign(window, { seen });
    new MutationObserver(() => {
      for (const region of document.querySelectorAll('[role=status]')) {
        const text = region.textContent ?? '';
        if (text !== '' && seen.said.at(-1) !== text) seen.said.push(text);
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
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'watched_customers');
  await page().getByRole('button', { name: 'Export', exact: true }).click();
  const ready = page()
    .getByRole('row', { name: /^watched_customers/ })
    .getByText('2,000 rows');
  await ready.first().waitFor();
  await page().getByRole('status').filter({ hasText: /ready/ }).waitFor();
  const { said, percents } = await page().evaluate((): { said: string[]; percents: number[] } =>
    Reflect.get(window, 'seen'),
  );
  expect(said.filter((text) => /ready/.test(text))).toHaveLength(1);
  expect(said.filter((text) => /%|running/i.test(text))).toEqual([]);
  expect(percents.filter((percent) => percent >= 100)).toEqual([]);
});

test('cancel: the dialog says what is lost, the source is left at once, the row says cancelled', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view endless_customers as
       select c.id, pg_sleep(0.01)::text as nothing from customers c`,
  );
  await signIn(page());
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'endless_customers');
  await page().getByRole('button', { name: 'Export', exact: true }).click();
  const row = page()
    .getByRole('row', { name: /^endless_customers/ })
    .first();
  await row.getByText(/rows/).first().waitFor();
  const { id } = await newestExport();
  const cancel = row.getByRole('button', { name: /^Cancel endless_customers/ });

  await cancel.click();
  await page().keyboard.press('Escape');
  expect(await cancel.evaluate((it) => it === document.activeElement)).toBe(true);

  await cancel.click();
  await page()
    .getByRole('dialog')
    .getByText(/discarded|Nothing was written/)
    .waitFor();
  await page().getByRole('button', { name: 'Cancel export' }).click();
  await row.getByText(/^Cancelled/).waitFor();
  expect(await ended(id)).toMatchObject({ status: 'cancelled', file: null });
  await until(
    'the source is left',
    async () => {
      const left = await sql(
        sourceUrl('sales'),
        `select 1 from pg_stat_activity where query like 'copy%endless_customers%' and state = 'active'`,
      );
      return left.length === 0 ? true : undefined;
    },
    { seconds: 10 },
  );
});

test('a file that was fetched leaves the list, and the next row has the focus', async () => {
  const [below, leaving] = [await createExport(monthOfOrders), await createExport(monthOfOrders)];
  const { file } = await ended(leaving.id);
  await ended(below.id);
  await signIn(page());
  const button = page().getByRole('button', {
    name: new RegExp(`^Download .*${leaving.id.slice(-8)}`),
  });
  const begun = page().waitForEvent('download');
  await button.click();
  await (await begun).path();
  await page().locator(`#export-${leaving.id}`).getByText('Download started').waitFor();
  await call('POST', `/exports/${leaving.id}/acknowledge`, {
    headers: asDemo,
    body: { sha256: file?.sha256 },
  });
  await page().locator(`#export-${leaving.id}`).waitFor({ state: 'detached', timeout: 40_000 });
  const focused = await page().evaluate(() => document.activeElement?.closest('[role=row]')?.id);
  expect(focused).toBe(`export-${below.id}`);
  await page()
    .getByText(/downloaded\./)
    .first()
    .waitFor();
});

test('exports that were started elsewhere wait behind a button; nothing moves by itself', async () => {
  await signIn(page());
  const first = page().getByRole('row').nth(1);
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

test('a link of an event opens the export after sign in', async () => {
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

test('a refused download is a page of ours with the reason and the way back, for a program a problem', async () => {
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const ticket = await call('POST', `/exports/${id}/download`, { headers: asDemo });
  const { url }: { url: string } = JSON.parse(ticket.bytes.toString());
  expect((await call('GET', url)).status).toBe(200);

  const stranger = await another();
  const answer = await stranger.goto(url);
  expect(answer?.status()).toBe(403);
  await stranger
    .getByRole('heading', { name: 'The download link was used by somebody else' })
    .waitFor();
  expect(await stranger.content()).not.toContain('<!--#');
  await stranger.getByRole('link', { name: 'Go to your exports' }).click();
  await stranger.getByLabel('Email').waitFor();

  expect((await call('GET', url)).problem()).toMatchObject({ status: 403, code: 'ticket_used' });
});
