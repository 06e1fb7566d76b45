import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { call, createExport, monthOfOrders } from '../support/api.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { countEffort, reportEffort } from '../support/effort.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/* What people do with the list of exports, each with the number of presses and keys that it may take. */

const { page } = useBrowser();

const listed = 500;
let account: OwnAccount;
/** The ids of a CSV, a JSON and a Parquet file of orders, and of a workbook that failed. */
let [csv, json, parquet, failed] = ['', '', '', ''];

beforeAll(async () => {
  account = await newAccount();
  await sql(
    sourceUrl('sales'),
    `create or replace view long_notes as select 1 as id, repeat('x', 40000) as note`,
  );
  const make = async (request: object): Promise<string> => {
    const { id } = await createExport(request, account.byKey);
    await waitFor('the export ends', async () => {
      const answer = await call('GET', `/exports/${id}`, { headers: account.byKey });
      const { status } = answer.json(exportDocumentSchema);
      return status === 'ready' || status === 'failed' ? true : undefined;
    });
    return id;
  };
  parquet = await make({ ...monthOfOrders, format: 'parquet' });
  csv = await make(monthOfOrders);
  json = await make({ ...monthOfOrders, format: 'json' });
  failed = await make({ sources: ['sales'], dataset: 'long_notes', format: 'xlsx' });
  // 500 more, of the last days; the Parquet file is of last week.
  await sql(
    stack.postgres.catalogue,
    `insert into exports (id, owner_id, request, state, created_at, finished_at)
     select ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, e.owner_id,
       jsonb_set(e.request::jsonb, '{dataset}', to_jsonb('customers'::text))::json, 'cancelled',
       now() - n * interval '20 minutes', now() - n * interval '20 minutes'
     from exports e, generate_series(1, $2::int) n where e.id = $1`,
    [csv, listed],
  );
  await sql(
    stack.postgres.catalogue,
    `update exports set created_at = now() - interval '7 days' where id = $1`,
    [parquet],
  );
}, 180_000);
afterAll(async () => {
  await sql(stack.postgres.catalogue, 'delete from exports where owner_id = $1 and id < $2', [
    account.id,
    '00000000-0000-7000-a000-000000000000',
  ]);
  await sql(sourceUrl('sales'), 'drop view long_notes');
});

const rows = () => page().locator('[role=row][id^="export-"]');
const rowOf = (id: string) => page().locator(`#export-${id}`);

async function start(): Promise<Awaited<ReturnType<typeof countEffort>>> {
  await signIn(page(), account);
  await rowOf(failed).waitFor();
  return countEffort(page());
}

const hasFocus = (onPage: Page, label: string) =>
  onPage.evaluate(
    (name) => document.activeElement?.getAttribute('aria-label')?.startsWith(name) ?? false,
    label,
  );

test('the Parquet file of last week is found among 500 exports', async () => {
  const { effort, pick } = await start();
  await pick(page().getByLabel('Kind of file'), 'Parquet');
  await waitFor('it is the only one', async () =>
    (await rows().count()) === 1 && (await rowOf(parquet).count()) === 1 ? true : undefined,
  );
  const found = await effort();
  reportEffort('find the Parquet file of last week', found);
  expect(found).toEqual({ clicks: 2, keys: 0 });
});

test('it is found by words, too', async () => {
  const { effort } = await start();
  await page().getByLabel('Search exports').click();
  await page().keyboard.type('parquet');
  await rowOf(parquet).waitFor();
  const found = await effort();
  reportEffort('find it by words', found);
  expect(found).toEqual({ clicks: 1, keys: 'parquet'.length });
});

test('the reason of a failure is in the row', async () => {
  const { effort } = await start();
  await page()
    .getByRole('button', { name: /^Failed/ })
    .click();
  await rowOf(failed)
    .getByText(/40,000 characters/)
    .waitFor();
  const found = await effort();
  reportEffort('find out why an export failed', found);
  expect(found).toEqual({ clicks: 1, keys: 0 });
});

test('a file is chosen, fetched and verified by keyboard alone', async () => {
  const { effort } = await start();
  const press = async (label: string, key: string): Promise<void> => {
    for (let n = 0; n < 40 && !(await hasFocus(page(), label)); n++)
      await page().keyboard.press('Tab');
    expect(await hasFocus(page(), label)).toBe(true);
    await page().keyboard.press(key);
  };
  await rowOf(csv).getByRole('checkbox').focus();
  await page().keyboard.press('Space');
  await page().getByRole('toolbar', { name: 'Selected exports' }).getByText('1 selected').waitFor();
  await page().keyboard.press('Space');
  const saved = page().waitForEvent('download');
  await press('Download ', 'Enter');
  expect((await saved).suggestedFilename()).toMatch(/^orders_2024-03_/);
  const found = await effort();
  reportEffort('fetch a file by keyboard', found);
  expect(found.clicks).toBe(0);
  expect(found.keys).toBeLessThanOrEqual(8);
});

test('three files are fetched', async () => {
  const { effort } = await start();
  const names: string[] = [];
  page().on('download', (download) => names.push(download.suggestedFilename()));
  await page()
    .getByRole('button', { name: /^Ready/ })
    .click();
  await rowOf(parquet).waitFor();
  await page().getByRole('checkbox', { name: 'Select all listed exports' }).click();
  const count = await rows().count();
  await page()
    .getByRole('button', { name: `Download ${count}` })
    .click();
  await waitFor('the files are saved', async () => (names.length === count ? true : undefined));
  for (const ending of ['.json', '.parquet'])
    expect(names.filter((name) => name.endsWith(ending))).toHaveLength(1);
  expect(await rowOf(json).count()).toBeLessThanOrEqual(1);
  const found = await effort();
  reportEffort('fetch three files', found);
  expect(found).toEqual({ clicks: 3, keys: 0 });
});

test('the search box loses no letter at 40 ms a key, with 500 exports listed', async () => {
  await signIn(page(), account);
  await rowOf(failed).waitFor();
  const more = page().getByRole('button', { name: 'Load more' });
  await waitFor(
    'all exports are listed',
    async () => {
      if ((await rows().count()) > listed) return true;
      await more.click({ timeout: 5_000 }).catch(() => undefined);
      return undefined;
    },
    { seconds: 120 },
  );
  const search = page().getByLabel('Search exports');
  for (let round = 0; round < 20; round++) {
    await search.fill('');
    await search.pressSequentially('customers cancelled', { delay: 40 });
    expect(await search.inputValue()).toBe('customers cancelled');
  }
});
