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
} from '../support/api.ts';
import { newestExport, signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { waitForFocus } from '../support/focus.ts';
import { chooseFormat, moreOptions, typeDates } from '../support/form.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page } = useBrowser();

// The tests compare the newest export before and after a press, so there has to be one.
beforeAll(async () => {
  await ended((await createExport(monthOfOrders)).id);
});

const rowOf = (id: string) => page().locator(`#export-${id}`);
const pressExport = () => page().getByRole('button', { name: 'Export', exact: true }).click();

/** Waits for an export that is newer than `previousId`. */
const exportAfter = (previousId: string) =>
  waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === previousId ? undefined : newest;
  });

/** Creates a view of 2,000 rows that takes `secondsPerRow` for each. */
const createView = (name: string, secondsPerRow: number) =>
  sql(
    sourceUrl('sales'),
    `create or replace view ${name} as
       select c.id, pg_sleep(${secondsPerRow})::text as nothing from customers c where c.id <= 2000`,
  );

/** Cancels a running export and waits until its units have stopped. */
async function cancelRunning(id: string): Promise<void> {
  await waitFor('the export runs', async () =>
    (await readExport(id)).status === 'running' ? true : undefined,
  );
  await call('DELETE', `/exports/${id}`, { headers: asDemo });
  expect(await ended(id)).toMatchObject({ status: 'cancelled' });
  await waitFor('its worker has stopped', async () => {
    const running = await sql(
      stack.postgres.catalogue,
      `select 1 from units where export_id = $1 and state = 'running'`,
      [id],
    );
    return running.length === 0 ? true : undefined;
  });
}

test('Try again runs a cancelled export under its id, and shows an error if it runs already', async () => {
  await createView('retried_customers', 0.01);
  const request = { sources: ['sales'], dataset: 'retried_customers', format: 'csv' };
  const { id } = await createExport(request);
  await cancelRunning(id);
  await signIn(page());
  const tryAgain = rowOf(id).getByRole('button', { name: 'Try again retried_customers.csv' });
  await tryAgain.waitFor();

  await call('POST', `/exports/${id}/retry`, { headers: asDemo });
  await tryAgain.click();
  await rowOf(id)
    .getByText(/Cancel it first, or wait/)
    .waitFor();
  await rowOf(id)
    .getByText(/Running|Queued/)
    .first()
    .waitFor();

  await cancelRunning(id);
  await createView('retried_customers', 0);
  await tryAgain.focus();
  await page().keyboard.press('Enter');
  await page()
    .getByRole('status')
    .filter({ hasText: /retried_customers · all time queued/ })
    .waitFor();
  await waitForFocus(rowOf(id));
  await rowOf(id)
    .getByRole('button', { name: /^Download/ })
    .waitFor();
  expect(await readExport(id)).toMatchObject({ status: 'ready', file: { rows: 2_000 } });
});

test('a file of NDJSON with gzip, chosen in the form, has as many lines as its manifest has rows', async () => {
  await signIn(page());
  const before = await newestExport();
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
  await typeDates(page(), { from: '2024-03-01', to: '2024-03-02' });
  await chooseFormat(page(), 'NDJSON');
  await moreOptions(page()).click();
  await page().getByLabel('Compression', { exact: true }).selectOption('gzip');
  await pressExport();
  const { id, request } = await exportAfter(before.id);
  expect(request).toMatchObject({
    format: 'ndjson',
    compression: 'gzip',
    consistency: 'snapshot',
  });

  const downloadEvent = page().waitForEvent('download');
  await rowOf(id)
    .getByRole('button', { name: /^Download orders_.*\.ndjson\.gz$/ })
    .click();
  const lines = gunzipSync(await readFile(await (await downloadEvent).path()))
    .toString()
    .trimEnd()
    .split('\n');
  const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  const { file } = answer.json(manifestSchema);
  expect(lines.length).toBe(file.rows);
  expect(JSON.parse(lines[0] ?? '')).toHaveProperty('id');
});

test('an export too large for one moment is rejected at its field, and one press exports it as resumable', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace function costly(bigint) returns bigint language plpgsql immutable
       cost 1000000 as $$ begin return $1; end $$;
     create or replace view costly_orders as select o.*, costly(o.id) as checked from orders o`,
  );
  await signIn(page());
  const before = await newestExport();
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'costly_orders');
  await page()
    .getByText(
      /^This export would be rejected\. .*would take about .* Choose “Several moments, for very large data”/,
    )
    .waitFor();
  await pressExport();
  const summary = page().getByRole('alert');
  await summary.getByRole('link', { name: /would take about \d+ minutes/ }).click();
  const consistency = page().getByLabel('Rows as of', { exact: true });
  await waitForFocus(consistency);
  expect((await newestExport()).id).toBe(before.id);

  await summary
    .getByRole('button', { name: 'Export as “Several moments, for very large data”' })
    .click();
  const { id, request } = await exportAfter(before.id);
  try {
    expect(request).toMatchObject({ dataset: 'costly_orders', consistency: 'resumable' });
    await waitFor('the new row has the focus', async () => {
      const focused = await page().evaluate(() => document.activeElement?.id);
      return focused === `export-${id}` ? true : undefined;
    });
    expect(await consistency.inputValue()).toBe('resumable');
    expect(await summary.count()).toBe(0);
  } finally {
    await call('DELETE', `/exports/${id}`, { headers: asDemo });
  }
});

test('a resumable Parquet file of two sources is created, and Duplicate creates an equal request', async () => {
  for (const source of ['sales', 'iot'])
    await sql(
      sourceUrl(source),
      `create table if not exists visits_of_both (id int primary key);
       insert into visits_of_both select n from generate_series(1, 10) n on conflict do nothing`,
    );
  try {
    await signIn(page());
    const before = (await newestExport()).id;
    await selectOption(page(), 'Source', 'sales');
    await selectOption(page(), 'Dataset', 'visits_of_both');
    await chooseFormat(page(), 'Parquet');
    await moreOptions(page()).click();
    await page().getByLabel('iot', { exact: true }).check();
    await page().getByLabel('Rows as of', { exact: true }).selectOption('resumable');
    await pressExport();
    const expected = {
      sources: ['sales', 'iot'],
      format: 'parquet',
      compression: 'zstd',
      consistency: 'resumable',
    };
    const first = await exportAfter(before);
    expect(first.request).toMatchObject(expected);
    expect(await ended(first.id)).toMatchObject({ status: 'ready', file: { rows: 20 } });

    await rowOf(first.id)
      .getByRole('button', { name: /^More for/ })
      .click();
    await page().getByRole('menuitem', { name: 'Duplicate' }).click();
    // A change of the form must not drop choices that the format supports.
    await page().getByLabel('Keep the file for').selectOption({ index: 0 });
    await pressExport();
    const again = await exportAfter(first.id);
    expect(again.request).toMatchObject(expected);
    expect(again.request.ttlSeconds).not.toBe(first.request.ttlSeconds);
  } finally {
    for (const source of ['sales', 'iot'])
      await sql(sourceUrl(source), 'drop table visits_of_both');
  }
});

test('a paused source shows a warning at its field, and its exports show why they wait', async () => {
  const pause = '/sources/iot/pause';
  const reason = 'Maintenance until 14:00 UTC';
  await call('POST', pause, { headers: asAdmin, body: { reason } });
  try {
    await signIn(page());
    const before = await newestExport();
    await selectOption(page(), 'Source', 'iot');
    await selectOption(page(), 'Dataset', 'series');
    await page()
      .getByRole('form')
      .getByText(new RegExp(`Paused.*${reason}`))
      .waitFor();
    await pressExport();
    const { id } = await exportAfter(before.id);
    await rowOf(id).getByText(new RegExp(reason)).waitFor();
    await call('DELETE', pause, { headers: asAdmin });
    await rowOf(id)
      .getByRole('button', { name: /^Download/ })
      .waitFor();
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
});
