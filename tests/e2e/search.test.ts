import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { signIn, useBrowser } from '../support/browser.ts';
import { waitForFocus } from '../support/focus.ts';
import { credentials, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page } = useBrowser();

/** Exports that are older than those of other suites, and more than the 50 of a page of the list. */
const dataset = 'found_by_search';
const exportCount = 60;

beforeAll(async () => {
  await sql(
    stack.postgres.catalogue,
    `insert into exports (id, owner_id, request, state, created_at, finished_at)
     select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, a.id,
       json_build_object('sources', json_build_array('sales'), 'dataset', $2::text, 'format', 'csv',
         'compression', 'none', 'profile', 'machine', 'timeZone', 'UTC', 'order', 'any',
         'consistency', 'snapshot', 'ttlSeconds', 3600),
       'cancelled', timestamptz '2020-01-01Z', timestamptz '2020-01-01Z'
     from generate_series(1, $3::int) n, accounts a where a.email = $1`,
    [credentials.demo.email, dataset, exportCount],
  );
});
afterAll(async () => {
  await sql(stack.postgres.catalogue, `delete from exports where request->>'dataset' = $1`, [
    dataset,
  ]);
});

test('the search finds exports that the list has not loaded, in pages, and keeps every typed letter', async () => {
  await signIn(page());
  const rows = page().getByRole('table', { name: 'Exports' }).getByRole('row', { name: dataset });
  const search = page().getByLabel('Search exports');
  for (const delay of [20, 90]) {
    await search.fill('');
    await search.pressSequentially('FOUND_BY_search', { delay });
    expect(await search.inputValue()).toBe('FOUND_BY_search');
    await waitFor('the first page is found', async () =>
      (await rows.count()) === 50 ? true : undefined,
    );
    expect(await search.inputValue()).toBe('FOUND_BY_search');
  }
  await page().getByRole('button', { name: 'Load more' }).click();
  await waitFor('the second page is found', async () =>
    (await rows.count()) === exportCount ? true : undefined,
  );
  expect(new URL(page().url()).searchParams.get('search')).toBe('FOUND_BY_search');

  await page().reload();
  await waitFor('the search of the address is applied', async () =>
    (await rows.count()) === 50 ? true : undefined,
  );
  await search.fill('found_by_nothing');
  await page().getByText('No exports match.').waitFor();
  await page().getByRole('button', { name: 'Clear filters' }).click();
  await waitForFocus(search);
  await page()
    .getByRole('group', { name: 'Status' })
    .getByRole('button', { name: /^Cancelled/ })
    .click();
  await waitFor('the status is in the address', async () => {
    const { searchParams } = new URL(page().url());
    return searchParams.get('status') === 'cancelled' ? true : undefined;
  });
  expect(new URL(page().url()).searchParams.get('search')).toBe(null);
  expect(await search.inputValue()).toBe('');
});

test('the list is filtered by format and source, in the address too', async () => {
  await signIn(page());
  const rows = page().getByRole('table', { name: 'Exports' }).getByRole('row', { name: dataset });
  await page().goto(`${stack.url}/exports?search=${dataset}&kind=parquet`);
  await page().getByText('No exports match.').waitFor();
  await page().getByLabel('Kind of file').selectOption('CSV');
  await rows.first().waitFor();
  await page().getByLabel('Read from').selectOption('iot');
  await page().getByText('No exports match.').waitFor();
  await page().getByLabel('Read from').selectOption('sales');
  await rows.first().waitFor();
  const { searchParams } = new URL(page().url());
  expect(Object.fromEntries(searchParams)).toEqual({
    search: dataset,
    kind: 'csv',
    readFrom: 'sales',
  });
});
