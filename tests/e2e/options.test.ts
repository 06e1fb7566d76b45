import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { newAccount } from '../support/accounts.ts';
import { createExport, ended, monthOfOrders } from '../support/api.ts';
import { violations } from '../support/axe.ts';
import { newestExport, signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

const exportButton = (onPage: Page) => onPage.getByRole('button', { name: 'Export', exact: true });
const moreOptions = (onPage: Page) => onPage.getByRole('button', { name: /^More options/ });

/** Waits for an export that is newer than `previousId`. */
const exportAfter = (previousId: string) =>
  waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === previousId ? undefined : newest;
  });

test('the row, the manifest and the details show every choice of an export, and Duplicate creates an equal request', async () => {
  const created = await createExport({
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
    name: 'Stornos, Größe L',
  });
  const { file } = await ended(created.id);
  expect(file?.name).toMatch(/^Stornos_Gro_e_L_/);
  await signIn(page());
  const row = page().locator(`#export-${created.id}`);
  await row.getByRole('link', { name: 'Stornos, Größe L' }).waitFor();
  await row.getByText('orders · ').waitFor();
  await row.getByText('status = cancelled').waitFor();
  await row.getByText('currency in (EUR, USD)').waitFor();
  const more = row.getByRole('button', { name: /^More for/ });
  const entries = [
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
  for (const text of entries)
    await page().getByRole('dialog').getByText(text, { exact: true }).waitFor();
  await page().keyboard.press('Escape');
  await row.getByRole('link').first().click();
  for (const text of [...entries, 'Stornos, Größe L', file?.name ?? ''])
    await page().getByRole('main').getByText(text, { exact: true }).first().waitFor();

  await page()
    .getByRole('button', { name: /^More for/ })
    .click();
  await page().getByRole('menuitem', { name: 'Duplicate' }).click();
  await page().getByRole('button', { name: 'More options 13 set' }).waitFor();
  await exportButton(page()).click();
  expect((await exportAfter(created.id)).request).toEqual(created.request);
});

test('“More options” sets conditions, order and the spreadsheet profile by keyboard, in both themes', async () => {
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
    await waitFor('the new condition has the focus', async () =>
      (await here.evaluate(() => document.activeElement?.getAttribute('aria-label'))) ===
      'Column of condition 1'
        ? true
        : undefined,
    );
    await keyboard.type('status');
    await condition.getByLabel('Comparison of condition 1').selectOption('is one of');
    await condition.getByLabel('Values of condition 1, one per line').fill('cancelled\nrefunded');
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
    await selectOption(here, 'Times in the file', 'Asia/Tokyo');
    await here.getByLabel('Offset of times').selectOption('Written (+02:00)');
    await here.getByLabel('Order of the rows').selectOption('By time');
    await here.getByRole('button', { name: 'More options 5 set' }).click();
    await here.getByText('status in (cancelled, refunded) · written for: Spreadsheets').waitFor();
    const before = await newestExport();
    await exportButton(here).click();
    expect((await exportAfter(before.id)).request).toMatchObject({
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
    const title = here.getByRole('dialog').getByRole('heading', { name: /^Delete orders · / });
    expect(await title.evaluate((heading) => heading.scrollWidth - heading.clientWidth)).toBe(0);
  }
});

test('the options of CSV and Parquet are shown, remembered for the next export, and not sent with other formats', async () => {
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'customers');
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
  const first = await exportAfter(before.id);
  expect(first.request.csv).toEqual(csv);
  const row = page().locator(`#export-${first.id}`);
  await row.getByText(/delimiter: semicolon · decimals with: comma · 1 more option/).waitFor();

  await page().getByLabel('Format', { exact: true }).selectOption('Parquet');
  await page().getByLabel('Types', { exact: true }).selectOption({ index: 1 });
  await page().getByRole('button', { name: 'More options 1 set' }).waitFor();
  await exportButton(page()).click();
  const second = await exportAfter(first.id);
  expect(second.request).toMatchObject({ format: 'parquet', parquetTypes: 'portable' });
  expect(second.request.csv).toBeUndefined();
  expect(await ended(second.id)).toMatchObject({ status: 'ready' });

  await page().reload();
  await page().getByRole('button', { name: 'More options 1 set' }).waitFor();
  await page().getByLabel('Format', { exact: true }).selectOption('CSV');
  await page().getByRole('button', { name: 'More options 3 set' }).waitFor();
});

test('a default compression changes with the format, and a chosen one comes back', async () => {
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

test('a link fills the form with exact instants, and a parameter that cannot be read is an error', async () => {
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
  expect((await exportAfter(before.id)).request).toMatchObject({
    from: '2025-03-01T10:00:00Z',
    to: '2025-03-02T11:30:00.25Z',
    order: 'time',
  });

  const last = await newestExport();
  await berlin.goto(
    `${form.replace('orders', 'ordres')}&from=1.3.2025&format=csvv&ttlSeconds=5&where=status&rows=5`,
  );
  const problem = berlin.getByRole('alert');
  for (const text of [
    'sales has no dataset “ordres”. Choose another.',
    'From must be a date like 2026-03-01.',
    'The address asks for format “csvv”. Use one of: csv, json, ndjson, xlsx, parquet.',
    'The address has conditions that could not be read. Add them here, or the file has more rows.',
    'The address has “rows”, which this form does not know. It is ignored.',
  ])
    await problem.getByText(text).waitFor();
  await problem.getByText(/^The address asks to keep the file for “5” seconds/).waitFor();
  await selectOption(berlin, 'Dataset', 'orders');
  await exportButton(berlin).click();
  await problem.getByText('From must be a date like 2026-03-01.').waitFor();

  // The errors of the server replace the errors of the link.
  await berlin.goto(`${form}&columns=nope&format=csvv`);
  await problem.getByText('The address asks for format “csvv”').waitFor();
  await exportButton(berlin).click();
  await problem.getByRole('link', { name: /^Columns: .*nope/ }).waitFor();
  expect(await problem.getByText('The address asks for format').count()).toBe(0);
  expect((await newestExport()).id).toBe(last.id);
});

test('a combobox opens on a press, replaces its text on typing, and Enter and Tab choose the first match', async () => {
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

  await page()
    .getByRole('button', { name: /^Time zone/ })
    .click();
  const zone = page().getByRole('combobox', { name: 'Time zone' });
  await zone.click();
  await page().keyboard.type('tok');
  await page().getByRole('option').first().getByText('Asia/Tokyo').waitFor();
  await page().keyboard.press('Enter');
  expect(await zone.inputValue()).toBe('Asia/Tokyo');
  await zone.blur();
  await zone.click();
  await waitFor('the chosen zone is visible', () =>
    page()
      .getByRole('option', { name: /^Asia\/Tokyo/ })
      .evaluate((option) => {
        const list = option.closest('[role=listbox]')?.getBoundingClientRect();
        const { top, bottom } = option.getBoundingClientRect();
        return list && top >= list.top && bottom <= list.bottom ? true : undefined;
      }),
  );
});

test('dates outside the data show a warning, and Clear removes them', async () => {
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
  await page().getByLabel('From', { exact: true }).fill('2031-01-01');
  await page()
    .getByText(/^No rows expected: the data ends /)
    .waitFor();
  await page()
    .getByText(/No rows in these dates\./)
    .waitFor();
  await page().getByRole('button', { name: 'Clear', exact: true }).click();
  expect(await page().getByLabel('From', { exact: true }).inputValue()).toBe('');
});

test('the form shows the limit of the account, and that an export would be rejected, before it is sent', async () => {
  const account = await newAccount();
  await sql(stack.postgres.catalogue, 'update accounts set max_rows = 100 where id = $1', [
    account.id,
  ]);
  await signIn(page(), account);
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
  await page()
    .getByText(/^This export would be rejected\. .*would have about .* rows/)
    .waitFor();
  await page().getByLabel('From', { exact: true }).fill('2024-03-01');
  await page().getByLabel('To', { exact: true }).fill('2024-03-01');
  await page().getByLabel('To time, optional').fill('01:00');
  await page().getByText('Your limit: 100 rows.').waitFor();
});
