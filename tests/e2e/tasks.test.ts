import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import { createExport, ended, monthOfOrders } from '../support/api.ts';
import { newestExport, signIn, useBrowser } from '../support/browser.ts';
import { countEffort, reportEffort } from '../support/effort.ts';
import { datesButton, exportButton } from '../support/form.ts';
import { waitFor } from '../support/wait-for.ts';

/* What people do with the form, each with the number of presses and keys that it may take. */

const { another } = useBrowser();

/** Opens the page with an empty form. */
async function start(): Promise<{ here: Page; before: ExportDocument }> {
  const before = await createExport(monthOfOrders);
  await ended(before.id);
  const here = await another({ timezoneId: 'Europe/Berlin' });
  await signIn(here);
  await here.locator(`#export-${before.id}`).waitFor();
  await waitFor('the sources are there', async () =>
    (await exportButton(here).getAttribute('aria-disabled')) === null ? true : undefined,
  );
  return { here, before };
}

const exportAfter = (before: ExportDocument) =>
  waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });

async function chooseByPress(here: Page, label: string, name: string): Promise<void> {
  await here.getByRole('combobox', { name: label, exact: true }).click();
  await here
    .getByRole('option', { name: new RegExp(`^${name}`) })
    .first()
    .click();
}

test('a month of orders as Excel, in the time of Berlin', async () => {
  const { here, before } = await start();
  const { effort, pick } = await countEffort(here);
  await chooseByPress(here, 'Source', 'sales');
  await chooseByPress(here, 'Dataset', 'orders');
  await datesButton(here).click();
  await pick(here.getByLabel('Year', { exact: true }), '2025');
  await pick(here.getByLabel('Month', { exact: true }), 'March');
  await here.getByRole('button', { name: 'All of March 2025' }).click();
  await here.getByRole('radio', { name: 'Excel', exact: true }).click();
  await exportButton(here).click();
  const { request } = await exportAfter(before);
  expect(request).toMatchObject({
    dataset: 'orders',
    format: 'xlsx',
    profile: 'spreadsheet',
    timeZone: 'Europe/Berlin',
    from: '2025-02-28T23:00:00Z',
    to: '2025-03-31T22:00:00Z',
  });
  const found = await effort();
  reportEffort('a month as Excel', found);
  expect(found.clicks).toBeLessThanOrEqual(12);
  expect(found.keys).toBe(0);
});

test('cancelled orders in two currencies', async () => {
  const { here, before } = await start();
  const { effort, pick } = await countEffort(here);
  await chooseByPress(here, 'Source', 'sales');
  await chooseByPress(here, 'Dataset', 'orders');
  await here.getByRole('button', { name: /^Conditions/ }).click();
  await here.getByRole('button', { name: 'Add condition' }).click();
  await pick(here.getByLabel('Column of condition 1'), 'status');
  await here.getByLabel('Value of condition 1').click();
  await here.keyboard.type('cancelled');
  await here.getByRole('button', { name: 'Add condition' }).click();
  await pick(here.getByLabel('Column of condition 2'), 'currency');
  await pick(here.getByLabel('Comparison of condition 2'), 'is one of');
  await here.getByLabel('Values of condition 2, one per line').click();
  await here.keyboard.type('EUR');
  await here.keyboard.press('Enter');
  await here.keyboard.type('USD');
  await exportButton(here).click();
  const { request } = await exportAfter(before);
  expect(request.where).toEqual([
    { column: 'status', op: 'eq', value: 'cancelled' },
    { column: 'currency', op: 'in', value: ['EUR', 'USD'] },
  ]);
  const found = await effort();
  reportEffort('cancelled orders in EUR and USD', found);
  expect(found.clicks).toBeLessThanOrEqual(16);
  expect(found.keys).toBeLessThanOrEqual(16);
});

test('the same again for the last month', async () => {
  const { here, before } = await start();
  const { effort } = await countEffort(here);
  await here
    .locator(`#export-${before.id}`)
    .getByRole('button', { name: /^More for/ })
    .click();
  await here.getByRole('menuitem', { name: 'Duplicate' }).click();
  await datesButton(here).click();
  await here.getByRole('button', { name: 'Last full month', exact: true }).click();
  await exportButton(here).click();
  const { request } = await exportAfter(before);
  expect(request).toMatchObject({ dataset: 'orders', format: before.request.format });
  expect(request.from).not.toBe(before.request.from);
  const found = await effort();
  reportEffort('the same for the last month', found);
  expect(found.clicks).toBeLessThanOrEqual(5);
  expect(found.keys).toBe(0);
});

test('a month of orders as Excel, by keyboard alone', async () => {
  const { here, before } = await start();
  const { keyboard } = here;
  const { effort } = await countEffort(here);
  const tab = async (times: number, key = 'Tab'): Promise<void> => {
    for (let count = 0; count < times; count++) await keyboard.press(key);
  };
  const focusedName = () =>
    here.evaluate(() => {
      const focused = document.activeElement;
      const label = focused instanceof HTMLInputElement ? focused.labels?.[0]?.textContent : null;
      return label ?? focused?.textContent ?? '';
    });
  // The heading of the page has the focus, and the form comes before it.
  await waitFor('Source has the focus', async () => {
    await keyboard.press('Shift+Tab');
    return (await focusedName()) === 'Source' ? true : undefined;
  });
  await keyboard.type('sal');
  await here.getByRole('option', { name: /^sales/ }).waitFor();
  await tab(1);
  await keyboard.type('orders');
  // Over Columns and Conditions to the dates.
  await tab(3);
  expect(await focusedName()).toMatch(/All times/);
  await keyboard.press('Enter');
  await here.getByLabel('From', { exact: true }).waitFor();
  await keyboard.type('20250301');
  await tab(2);
  await keyboard.type('20250331');
  await keyboard.press('Enter');
  await datesButton(here).getByText('1 Mar – 31 Mar 2025').waitFor();
  // Over the chart to the formats.
  await tab(2);
  for (let step = 0; step < 3; step++) await keyboard.press('ArrowRight');
  expect(await focusedName()).toBe('Excel');
  await tab(3);
  expect(await focusedName()).toBe('Export');
  await keyboard.press('Enter');
  const { request } = await exportAfter(before);
  expect(request).toMatchObject({
    dataset: 'orders',
    format: 'xlsx',
    from: '2025-02-28T23:00:00Z',
    to: '2025-03-31T22:00:00Z',
  });
  const found = await effort();
  reportEffort('a month as Excel, by keyboard', found);
  expect(found.clicks).toBe(0);
  expect(found.keys).toBeLessThanOrEqual(64);
});
