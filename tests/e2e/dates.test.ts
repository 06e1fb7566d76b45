import { expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { waitForFocus } from '../support/focus.ts';
import { datesButton, openDates, typeDates } from '../support/form.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

async function openOrders(here: Page): Promise<Page> {
  await signIn(here);
  await selectOption(here, 'Source', 'sales');
  await selectOption(here, 'Dataset', 'orders');
  return here;
}

const chart = (here: Page) => here.getByRole('slider', { name: 'Rows of orders over time' });
const highlighted = (here: Page) => chart(here).locator('rect.fill-accent').count();

test('one press chooses a range by name, and the focus returns to the dates', async () => {
  const here = await openOrders(page());
  await datesButton(here).click();
  await here.getByRole('button', { name: 'Last full month', exact: true }).click();
  await datesButton(here)
    .getByText(/^1 \w{3,4} – (28|29|30|31) \w{3,4} \d{4}$/)
    .waitFor();
  expect(await datesButton(here).getAttribute('aria-expanded')).toBe('false');
  await waitForFocus(datesButton(here));
  await here.getByText(/up to, not including, 1 /).waitFor();
});

test('the calendar chooses days or a month of another year with few presses, and axe finds nothing in it', async () => {
  const here = await openOrders(page());
  await datesButton(here).click();
  const dialog = here.getByRole('dialog', { name: 'Dates in UTC' });
  await dialog.getByLabel('Year', { exact: true }).selectOption('2024');
  await dialog.getByLabel('Month', { exact: true }).selectOption('March');
  await dialog.getByRole('button', { name: /, 5 March 2024/ }).click();
  await dialog.getByRole('button', { name: /, 9 March 2024/ }).click();
  expect(await here.getByLabel('To', { exact: true }).inputValue()).toBe('2024-03-09');
  expect(await violations(here, { within: 'form' })).toEqual([]);
  await dialog.getByRole('button', { name: 'All of March 2024' }).click();
  await datesButton(here).getByText('1 Mar – 31 Mar 2024').waitFor();
  await datesButton(here).click();
  await dialog.getByRole('button', { name: /, 5 March 2024/ }).click();
  await dialog.getByRole('button', { name: /, 9 March 2024/ }).click();
  // A press outside the dialog closes it, and reaches what is there.
  await here.getByRole('button', { name: /^Columns/ }).click();
  await dialog.waitFor({ state: 'hidden' });
  await here.getByLabel('Search columns, or paste names').waitFor();
  await datesButton(here).getByText('5 Mar – 9 Mar 2024').waitFor();
  await here
    .getByText('5 Mar 2024 00:00 UTC up to, not including, 10 Mar 2024 00:00 UTC')
    .waitFor();
});

test('an error of a date is shown when its field is left, and at the dates when they are closed', async () => {
  const here = await openOrders(page());
  await openDates(here);
  await here.getByLabel('From', { exact: true }).fill('2025-02-30');
  const error = here.getByText('From: February 2025 has 28 days.');
  expect(await error.count()).toBe(0);
  await here.keyboard.press('Tab');
  await error.waitFor();
  await here.keyboard.press('Escape');
  await here.getByLabel('From', { exact: true }).waitFor({ state: 'detached' });
  await error.waitFor();
  await here.getByText('No estimate until From is fixed.').waitFor();
  await here.getByRole('button', { name: 'Export', exact: true }).click();
  await here
    .getByRole('alert')
    .getByRole('link', { name: /February/ })
    .click();
  await waitFor('the dates are open, and the field has the focus', () =>
    here
      .getByLabel('From', { exact: true })
      .evaluate((field) => (field === document.activeElement ? true : undefined)),
  );
});

test('a range is chosen on the chart by dragging, in days of the zone', async () => {
  await sql(sourceUrl('sales'), 'analyze orders');
  const here = await openOrders(await another({ timezoneId: 'Europe/Berlin' }));
  await chart(here).waitFor();
  const bars = Number(await chart(here).getAttribute('aria-valuemax'));
  const box = await chart(here).boundingBox();
  if (!box) throw new Error('the chart has no box');
  const xOf = (place: number): number => box.x + ((place + 0.5) / bars) * box.width;
  await here.mouse.move(xOf(10), box.y + 20);
  await here.getByText(/: about [\d,]+ rows$/).waitFor();
  await here.mouse.down();
  await here.mouse.move(xOf(14), box.y + 20, { steps: 4 });
  expect(await highlighted(here)).toBe(5);
  await here.mouse.up();
  await datesButton(here)
    .getByText(/^\d+ \w{3,4} – \d+ \w{3,4} 2024$/)
    .waitFor();
  await here
    .getByText(/^\d+ \w{3,4} 2024 00:00 CES?T up to, not including, \d+ \w{3,4} 2024 00:00 CES?T$/)
    .waitFor();
});

test('a range is chosen on the chart by keys, with the dates and the rows of each bar as its value', async () => {
  await sql(sourceUrl('sales'), 'analyze orders');
  const here = await openOrders(page());
  const { keyboard } = here;
  await chart(here).focus();
  const value = () => chart(here).getAttribute('aria-valuetext');
  for (const key of ['Home', 'ArrowRight', 'Enter', 'ArrowRight', 'ArrowRight'])
    await keyboard.press(key);
  expect(await value()).toMatch(/ – .* 2024: about [\d,]+ rows\. Enter chooses these dates\.$/);
  await keyboard.press('Enter');
  await waitFor('three bars are chosen', async () =>
    (await highlighted(here)) === 3 ? true : undefined,
  );
  await keyboard.press('Shift+ArrowRight');
  await waitFor('two bars are chosen', async () =>
    (await highlighted(here)) === 2 ? true : undefined,
  );
  expect(await value()).toMatch(/ – .* 2024: about [\d,]+ rows$/);
  const chosen = await datesButton(here).textContent();
  await keyboard.press('Enter');
  await keyboard.press('End');
  await keyboard.press('Escape');
  await keyboard.press('ArrowLeft');
  expect(await datesButton(here).textContent()).toBe(chosen);
  expect(await violations(here, { within: 'form' })).toEqual([]);
});

test('dates stay when the dataset changes, and the form says that they have no rows', async () => {
  const name = `dates_${Date.now()}`;
  await sql(
    sourceUrl('sales'),
    `create table ${name} as select n as id, timestamptz '2020-01-01Z' + n * interval '1 hour' as at
       from generate_series(1, 1000) n;
     create index on ${name} (at);
     analyze ${name}`,
  );
  try {
    const here = await openOrders(page());
    await typeDates(here, { from: '2025-03-01', to: '2025-03-31' });
    await here.getByText(/^~[\d,]+ rows · /).waitFor();
    await selectOption(here, 'Dataset', name);
    await here.getByText(/^No rows expected: the data ends 11 Feb 2020 /).waitFor();
    expect(await here.getByText(/^~/).count()).toBe(0);
    await openDates(here);
    await here.getByRole('button', { name: 'Whole range' }).click();
    await here.getByText(/^~[\d,]+ rows · /).waitFor();
  } finally {
    await sql(sourceUrl('sales'), `drop table ${name}`);
  }
});

test('the chart says that it does not know the conditions', async () => {
  await sql(sourceUrl('sales'), 'analyze orders');
  const here = await openOrders(page());
  const note = here.getByText('The chart counts the rows without the conditions.');
  await chart(here).waitFor();
  expect(await note.count()).toBe(0);
  await here.getByRole('button', { name: /^Conditions none/ }).click();
  await here.getByRole('button', { name: 'Add condition' }).click();
  await note.waitFor();
});
