import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from '@jest/globals';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import {
  asAdmin,
  asDemo,
  call,
  createExport,
  ended,
  monthOfOrders,
  readExport,
} from '../stack/api.ts';
import { newestExport, signIn, usePages } from '../stack/browser.ts';
import { choose } from '../stack/chromium.ts';
import { sourceUrl, sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const { page } = usePages();

// Each test looks whether another export has become the newest.
beforeAll(async () => {
  await ended((await createExport(monthOfOrders)).id);
});

const rowOf = (id: string) => page().locator(`#export-${id}`);
const pressExport = () => page().getByRole('button', { name: 'Export', exact: true }).click();

/** The export that is made after this one. */
const after = (before: string) =>
  until('an export was made', async () => {
    const newest = await newestExport();
    return newest.id === before ? undefined : newest;
  });

/** A view of two thousand rows, of which each takes so long. */
const makeView = (name: string, secondsPerRow: number) =>
  sql(
    sourceUrl('sales'),
    `create or replace view ${name} as
       select c.id, pg_sleep(${secondsPerRow})::text as nothing from customers c where c.id <= 2000`,
  );

/** Cancels an export that runs, and waits until nobody reads for it any more. */
async function cancelled(id: string): Promise<void> {
  await until('it runs', async () =>
    (await readExport(id)).status === 'running' ? true : undefined,
  );
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
  expect(await ended(id)).toMatchObject({ status: 'cancelled' });
  await until('its worker has stopped', async () => {
    const running = await sql(
      stack.postgres.catalogue,
      `select 1 from units where export_id = $1 and state = 'running'`,
      [id],
    );
    return running.length === 0 ? true : undefined;
  });
}

test('a cancelled export is tried again under its id; one that is under way is not, and says so', async () => {
  await makeView('retried_customers', 0.01);
  const request = { sources: ['sales'], dataset: 'retried_customers', format: 'csv' };
  const { id } = await createExport(request);
  await cancelled(id);
  await signIn(page());
  const tryAgain = rowOf(id).getByRole('button', { name: 'Try again retried_customers.csv' });
  await tryAgain.waitFor();

  await call('POST', `/exports/${id}/retry`, { headers: asDemo });
  await tryAgain.click();
  await rowOf(id)
    .getByText(/The export is under way/)
    .waitFor();
  await rowOf(id)
    .getByText(/Running|Queued/)
    .first()
    .waitFor();

  await cancelled(id);
  await makeView('retried_customers', 0);
  await tryAgain.focus();
  await page().keyboard.press('Enter');
  await page()
    .getByRole('status')
    .filter({ hasText: /retried_customers.csv queued/ })
    .waitFor();
  expect(await rowOf(id).evaluate((row) => row === document.activeElement)).toBe(true);
  await rowOf(id)
    .getByText(/2,000 rows/)
    .waitFor();
  expect(await readExport(id)).toMatchObject({ status: 'ready', file: { rows: 2_000 } });
});

test('NDJSON and gzip by the form: the file unpacks to as many lines as the manifest has rows', async () => {
  await signIn(page());
  const before = await newestExport();
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'orders');
  await page().getByLabel('From', { exact: true }).fill('2024-03-01');
  await page().getByLabel('To', { exact: true }).fill('2024-03-02');
  await page().getByLabel('Format', { exact: true }).selectOption('NDJSON');
  await page().getByLabel('Compression', { exact: true }).selectOption('gzip');
  await pressExport();
  const { id, request } = await after(before.id);
  expect(request).toMatchObject({
    format: 'ndjson',
    compression: 'gzip',
    consistency: 'snapshot',
  });

  const begun = page().waitForEvent('download');
  await rowOf(id)
    .getByRole('button', { name: /^Download orders_.*\.ndjson\.gz$/ })
    .click();
  const lines = gunzipSync(await readFile(await (await begun).path()))
    .toString()
    .trimEnd()
    .split('\n');
  const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  const { file } = answer.json(manifestSchema);
  expect(lines.length).toBe(file.rows);
  expect(JSON.parse(lines[0] ?? '')).toHaveProperty('id');
});

test('too much for one moment: refused beside its field, and one press asks for it in parts', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace function costly(bigint) returns bigint language plpgsql immutable
       cost 1000000 as $$ begin return $1; end $$;
     create or replace view costly_orders as select o.*, costly(o.id) as checked from orders o`,
  );
  await signIn(page());
  const before = await newestExport();
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'costly_orders');
  await page()
    .getByText(/^It would be refused\. It would take about .* Choose “Any size, resumable”/)
    .waitFor();
  await pressExport();
  const summary = page().getByRole('alert');
  await summary.getByRole('link', { name: /It would take about \d+ minutes/ }).click();
  const consistency = page().getByLabel('Consistency', { exact: true });
  expect(await consistency.evaluate((field) => field === document.activeElement)).toBe(true);
  expect((await newestExport()).id).toBe(before.id);

  await summary.getByRole('button', { name: 'Export as “Any size, resumable”' }).click();
  const { id, request } = await after(before.id);
  try {
    expect(request).toMatchObject({ dataset: 'costly_orders', consistency: 'resumable' });
    await until('the new row has the focus', async () => {
      const focused = await page().evaluate(() => document.activeElement?.id);
      return focused === `export-${id}` ? true : undefined;
    });
    expect(await consistency.inputValue()).toBe('resumable');
    expect(await summary.count()).toBe(0);
  } finally {
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
  }
});

test('Parquet of several sources in units: made, and made again by Duplicate with all its choices', async () => {
  for (const source of ['sales', 'iot'])
    await sql(
      sourceUrl(source),
      `create table if not exists visits_of_both (id int primary key);
       insert into visits_of_both select n from generate_series(1, 10) n on conflict do nothing`,
    );
  try {
    await signIn(page());
    const before = (await newestExport()).id;
    await choose(page(), 'Source', 'sales');
    await choose(page(), 'Dataset', 'visits_of_both');
    await page().getByLabel('Format', { exact: true }).selectOption('parquet');
    await page().getByLabel('iot', { exact: true }).check();
    await page().getByLabel('Consistency', { exact: true }).selectOption('resumable');
    await pressExport();
    const wanted = {
      sources: ['sales', 'iot'],
      format: 'parquet',
      compression: 'zstd',
      consistency: 'resumable',
    };
    const first = await after(before);
    expect(first.request).toMatchObject(wanted);
    expect(await ended(first.id)).toMatchObject({ status: 'ready', file: { rows: 20 } });

    await rowOf(first.id)
      .getByRole('button', { name: /^More for/ })
      .click();
    await page().getByRole('menuitem', { name: 'Duplicate' }).click();
    // Every change of the form looks at what the format takes.
    await page().getByLabel('Keep the file for').selectOption({ index: 0 });
    await pressExport();
    const again = await after(first.id);
    expect(again.request).toMatchObject(wanted);
    expect(again.request.ttlSeconds).not.toBe(first.request.ttlSeconds);
  } finally {
    for (const source of ['sales', 'iot'])
      await sql(sourceUrl(source), 'drop table visits_of_both');
  }
});

test('a source that is paused says so beside its field, and its exports say why they wait', async () => {
  const pause = '/sources/iot/pause';
  const reason = 'Maintenance until 14:00 UTC';
  await call('POST', pause, { headers: asAdmin, body: { reason } });
  try {
    await signIn(page());
    const before = await newestExport();
    await choose(page(), 'Source', 'iot');
    await choose(page(), 'Dataset', 'series');
    await page()
      .getByRole('form')
      .getByText(new RegExp(`Paused.*${reason}`))
      .waitFor();
    await pressExport();
    const { id } = await after(before.id);
    await rowOf(id).getByText(new RegExp(reason)).waitFor();
    await call('DELETE', pause, { headers: asAdmin });
    await rowOf(id)
      .getByRole('button', { name: /^Download/ })
      .waitFor();
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
});
