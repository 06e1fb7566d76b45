import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newAccount } from '../stack/accounts.ts';
import { createExport, ended, monthOfOrders } from '../stack/api.ts';
import { violations } from '../stack/axe.ts';
import { newestExport, signIn, usePages } from '../stack/browser.ts';
import { choose } from '../stack/chromium.ts';
import { sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const { page, another } = usePages();

const exportButton = (of: Page) => of.getByRole('button', { name: 'Export', exact: true });
const moreOptions = (of: Page) => of.getByRole('button', { name: /^More options/ });

const after = (before: string) =>
  until('an export was made', async () => {
    const newest = await newestExport();
    return newest.id === before ? undefined : newest;
  });

test('what an export was asked for with is told wherever it is shown, and Duplicate asks for the same', async () => {
  const made = await createExport({
    ...monthOfOrders,
    from: '2024-03-01T10:00:00.5Z',
    where: [
      { column: 'status', op: 'eq', value: 'cancelled' },
      { column: 'currency', op: 'in', value: ['EUR', 'USD'] },
      {
        any: [
          { column: 'customer_id', op: 'between', value: [7, 5000] },
          { column: 'id', op: 'eq', value: 1 },
        ],
      },
    ],
    profile: 'spreadsheet',
    timeZone: 'Asia/Tokyo',
    timeOffset: true,
    order: 'time',
    compression: 'gzip',
    csv: { delimiter: ';', decimal: ',', nullText: '-', quote: 'all', newline: 'crlf' },
  });
  await ended(made.id);
  await signIn(page());
  const row = page().locator(`#export-${made.id}`);
  await row.getByText('status = cancelled').waitFor();
  await row.getByText('currency in (EUR, USD)').waitFor();
  const more = row.getByRole('button', { name: /^More for/ });
  const told = [
    'status = cancelled and currency in (EUR, USD) and (customer_id between 7 and 5000 or id = 1)',
    'Spreadsheets',
    'Asia/Tokyo',
    'written, times are text',
    'by time',
    'semicolon',
    'CRLF',
  ];
  await more.click();
  await page().getByRole('menuitem', { name: 'Manifest' }).click();
  for (const text of told)
    await page().getByRole('dialog').getByText(text, { exact: true }).waitFor();
  await page().keyboard.press('Escape');
  await row.getByRole('link').first().click();
  for (const text of told)
    await page().getByRole('main').getByText(text, { exact: true }).waitFor();

  await page()
    .getByRole('button', { name: /^More for/ })
    .click();
  await page().getByRole('menuitem', { name: 'Duplicate' }).click();
  await page().getByRole('button', { name: 'More options 12 set' }).waitFor();
  await exportButton(page()).click();
  expect((await after(made.id)).request).toEqual(made.request);
});

test('conditions, order and spreadsheet are chosen behind “More options”, by keyboard, in either theme', async () => {
  for (const theme of ['dark', 'light'] as const) {
    const here = await another({ colorScheme: theme, viewport: { width: 320, height: 900 } });
    const { keyboard } = here;
    await signIn(here);
    await here.goto(
      `${stack.url}/exports/new?source=sales&dataset=orders&from=2024-03-01&to=2024-03-31`,
    );
    await moreOptions(here).focus();
    expect(await here.getByText('Conditions').count()).toBe(0);
    await keyboard.press('Enter');
    await here.getByRole('button', { name: 'Add condition' }).focus();
    await keyboard.press('Enter');
    const condition = here.getByRole('group', { name: 'Condition 1' });
    await until('the new condition has the focus', async () =>
      (await here.evaluate(() => document.activeElement?.getAttribute('aria-label'))) ===
      'Column of condition 1'
        ? true
        : undefined,
    );
    await keyboard.type('status');
    await condition.getByLabel('Comparison of condition 1').selectOption('is one of');
    await condition.getByLabel('Values of condition 1, one a line').fill('cancelled\nrefunded');
    await here.getByRole('button', { name: 'Add condition' }).click();
    await exportButton(here).click();
    await here
      .getByRole('alert')
      .getByRole('link', { name: /^Condition 2: type a value for id/ })
      .click();
    expect(
      await here
        .getByRole('group', { name: 'Conditions' })
        .evaluate((field) => field === document.activeElement),
    ).toBe(true);
    expect(await violations(here, { theme, within: 'form' })).toEqual([]);
    expect(
      await here.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      ),
    ).toBe(0);
    if (theme === 'dark') continue;
    await here.getByRole('button', { name: 'Remove condition 2' }).click();
    await here.getByLabel('Written for').selectOption('Spreadsheets');
    await choose(here, 'Times in the file', 'Asia/Tokyo');
    await here.getByLabel('Offset of times').selectOption('Written (+02:00)');
    await here.getByLabel('Order of the rows').selectOption('By time');
    await here.getByRole('button', { name: 'More options 5 set' }).click();
    await here.getByText('status in (cancelled, refunded) · written for: Spreadsheets').waitFor();
    const before = await newestExport();
    await exportButton(here).click();
    expect((await after(before.id)).request).toMatchObject({
      where: [{ column: 'status', op: 'in', value: ['cancelled', 'refunded'] }],
      profile: 'spreadsheet',
      timeOffset: true,
      timeZone: 'Asia/Tokyo',
      order: 'time',
    });

    const { id } = await newestExport();
    await ended(id);
    const row = here.locator(`#export-${id}`);
    await row.getByRole('button', { name: /^Download/ }).waitFor();
    await row.getByRole('button', { name: /^More for/ }).click();
    await here.getByRole('menuitem', { name: 'Delete' }).click();
    const title = here.getByRole('dialog').getByRole('heading', { name: /^Delete orders_/ });
    expect(await title.evaluate((it) => it.scrollWidth - it.clientWidth)).toBe(0);
  }
});

test('CSV for others, and portable Parquet: chosen, told, kept for the next export, left out of other formats', async () => {
  await signIn(page());
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'customers');
  await moreOptions(page()).click();
  await page().getByLabel('Delimiter').selectOption('semicolon');
  await page().getByLabel('Decimals with').selectOption('comma');
  await page().getByLabel('NULL written as').fill('N;A');
  await page()
    .getByText(/^CSV: must not contain the delimiter/)
    .waitFor();
  await page().getByLabel('NULL written as').fill('N/A');
  const csv = { delimiter: ';', decimal: ',', nullText: 'N/A', quote: 'minimal', newline: 'lf' };
  const before = await newestExport();
  await exportButton(page()).click();
  const first = await after(before.id);
  expect(first.request.csv).toEqual(csv);
  const row = page().locator(`#export-${first.id}`);
  await row.getByText(/delimiter: semicolon · decimals with: comma · 1 more option/).waitFor();

  await page().getByLabel('Format', { exact: true }).selectOption('Parquet');
  await page().getByLabel('Types', { exact: true }).selectOption({ index: 1 });
  await page().getByRole('button', { name: 'More options 1 set' }).waitFor();
  await exportButton(page()).click();
  const second = await after(first.id);
  expect(second.request).toMatchObject({ format: 'parquet', parquetTypes: 'portable' });
  expect(second.request.csv).toBeUndefined();
  expect(await ended(second.id)).toMatchObject({ status: 'ready' });

  await page().reload();
  await page().getByRole('button', { name: 'More options 1 set' }).waitFor();
  await page().getByLabel('Format', { exact: true }).selectOption('CSV');
  await page().getByRole('button', { name: 'More options 3 set' }).waitFor();
});

test('a compression that nobody chose goes with its format; one that was chosen comes back', async () => {
  await signIn(page());
  const format = page().getByLabel('Format', { exact: true });
  const compression = page().getByLabel('Compression', { exact: true });
  await format.selectOption('Parquet');
  expect(await compression.inputValue()).toBe('zstd');
  await format.selectOption('CSV');
  expect(await compression.inputValue()).toBe('none');
  await compression.selectOption('gzip');
  await format.selectOption('Excel');
  expect(await compression.inputValue()).toBe('none');
  await format.selectOption('CSV');
  expect(await compression.inputValue()).toBe('gzip');
});

test('a link is taken by the letter: instants are times, what it cannot mean is named and is not exported', async () => {
  const berlin = await another({ timezoneId: 'Europe/Berlin' });
  await signIn(berlin);
  const before = await newestExport();
  const form = `${stack.url}/exports/new?source=sales&dataset=orders`;
  await berlin.goto(
    `${form}&from=2025-03-01T10:00:00Z&to=2025-03-02T12:30:00.25%2B01:00&order=time`,
  );
  await berlin
    .getByText('1 Mar 2025 11:00 CET up to, not including, 2 Mar 2025 12:30 CET')
    .waitFor();
  await exportButton(berlin).click();
  expect((await after(before.id)).request).toMatchObject({
    from: '2025-03-01T10:00:00Z',
    to: '2025-03-02T11:30:00.25Z',
    order: 'time',
  });

  const last = await newestExport();
  await berlin.goto(
    `${form.replace('orders', 'ordres')}&from=1.3.2025&format=csvv&ttlSeconds=5&where=status`,
  );
  const problem = berlin.getByRole('alert');
  for (const text of [
    'There is no dataset “ordres” in sales. Choose another.',
    'From must be a date like 2026-03-01.',
    'The address asks for format “csvv”; there is csv, json, ndjson, xlsx, parquet.',
    'The address has “where”, which this form does not know. It is not in this export.',
  ])
    await problem.getByText(text).waitFor();
  await problem.getByText(/^The address asks to keep the file for “5” seconds/).waitFor();
  await choose(berlin, 'Dataset', 'orders');
  await exportButton(berlin).click();
  await problem.getByText('From must be a date like 2026-03-01.').waitFor();

  // What the server says no to stands in place of what the link was not understood in.
  await berlin.goto(`${form}&columns=nope&format=csvv`);
  await problem.getByText('The address asks for format “csvv”').waitFor();
  await exportButton(berlin).click();
  await problem.getByRole('link', { name: /^Columns: .*nope/ }).waitFor();
  expect(await problem.getByText('The address asks for format').count()).toBe(0);
  expect((await newestExport()).id).toBe(last.id);
});

test('a field opens when it is pressed, is typed over, and the first that fits is taken by Enter', async () => {
  await signIn(page());
  const source = page().getByRole('combobox', { name: 'Source', exact: true });
  await source.click();
  await page().getByRole('option', { name: 'iot' }).waitFor();
  await page().keyboard.type('sal');
  await page().keyboard.press('Enter');
  expect(await source.inputValue()).toBe('sales');
  await source.click();
  await page().keyboard.type('io');
  await page().keyboard.press('Tab');
  expect(await source.inputValue()).toBe('iot');

  const zone = page().getByRole('combobox', { name: 'Time zone' });
  await zone.click();
  await page().keyboard.type('tok');
  await page().getByRole('option').first().getByText('Asia/Tokyo').waitFor();
  await page().keyboard.press('Enter');
  expect(await zone.inputValue()).toBe('Asia/Tokyo');
  await zone.blur();
  await zone.click();
  await until('the chosen zone is in sight', () =>
    page()
      .getByRole('option', { name: /^Asia\/Tokyo/ })
      .evaluate((option) => {
        const list = option.closest('[role=listbox]')?.getBoundingClientRect();
        const { top, bottom } = option.getBoundingClientRect();
        return list && top >= list.top && bottom <= list.bottom ? true : undefined;
      }),
  );
});

test('dates beside the data say so, and can be cleared of a dataset whose span is not known', async () => {
  await signIn(page());
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'orders');
  await page().getByLabel('From', { exact: true }).fill('2031-01-01');
  await page().getByText('No rows are expected: the data is of other dates.').waitFor();
  await page()
    .getByText(/None of it in these dates\./)
    .waitFor();
  await page().getByRole('button', { name: 'Clear', exact: true }).click();
  expect(await page().getByLabel('From', { exact: true }).inputValue()).toBe('');
});

test('the limit of an account, and that it would be refused, is told before anything is asked for', async () => {
  const account = await newAccount();
  await sql(stack.postgres.catalogue, 'update accounts set max_rows = 100 where id = $1', [
    account.id,
  ]);
  await signIn(page(), account);
  await choose(page(), 'Source', 'sales');
  await choose(page(), 'Dataset', 'orders');
  await page()
    .getByText(/^It would be refused\. It would have about .* rows/)
    .waitFor();
  await page().getByLabel('From', { exact: true }).fill('2024-03-01');
  await page().getByLabel('To', { exact: true }).fill('2024-03-01');
  await page().getByLabel('To time, optional').fill('01:00');
  await page().getByText('Your limit: 100 rows.').waitFor();
});
