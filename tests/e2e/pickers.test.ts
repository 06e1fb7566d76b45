import { expect, test } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { createExport, ended, monthOfOrders } from '../support/api.ts';
import { newestExport, signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { exportButton } from '../support/form.ts';
import { waitFor } from '../support/wait-for.ts';

const { page } = useBrowser();

async function openOrders(): Promise<void> {
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await selectOption(page(), 'Dataset', 'orders');
}

/** Pastes a text. The clipboard of a headless browser cannot be written. */
const paste = (field: Locator, text: string): Promise<void> =>
  field.evaluate((element, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    element.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }),
    );
  }, text);

test('while columns are searched, All and None act on what the search finds; pasted names are chosen', async () => {
  await openOrders();
  const button = page().getByRole('button', { name: /^Columns/ });
  await button.click();
  const search = page().getByLabel('Search columns, or paste names');
  await search.fill('ed_at');
  await page().getByRole('button', { name: 'None', exact: true }).click();
  await button.getByText('8 of 9').waitFor();
  await search.fill('total');
  await page().getByRole('button', { name: 'None', exact: true }).click();
  await button.getByText('7 of 9').waitFor();
  await search.fill('');
  await page().getByRole('button', { name: 'All', exact: true }).click();
  await button.getByText('all 9').waitFor();
  await paste(search, 'status\tid\nordered_at\nnope');
  await button.getByText('3 of 9').waitFor();
  await page().getByText('3 of 4 pasted names chosen. No column: nope.').waitFor();
  const before = await createExport(monthOfOrders);
  await exportButton(page()).click();
  const created = await waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(created.request.columns).toEqual(['status', 'id', 'ordered_at']);
  await ended(created.id);
});

test('the cells of a spreadsheet can be pasted into a condition', async () => {
  await openOrders();
  await page()
    .getByRole('button', { name: /^Conditions/ })
    .click();
  await page().getByRole('button', { name: 'Add condition' }).click();
  await page().getByLabel('Column of condition 1').selectOption('currency');
  await paste(page().getByLabel('Value of condition 1'), 'EUR\tUSD\r\nCHF\r\n');
  const values = page().getByLabel('Values of condition 1, one per line');
  expect(await values.inputValue()).toBe('EUR\nUSD\nCHF');
  await paste(values, 'GBP\tPLN');
  await page()
    .getByRole('button', { name: /^Conditions currency in \(.*GBP.*\)/ })
    .waitFor();
});
