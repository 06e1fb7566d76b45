import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createExport, monthOfOrders } from '../stack/api.ts';
import { violations } from '../stack/axe.ts';
import { newestExport, signIn, usePages } from '../stack/browser.ts';
import { choose } from '../stack/chromium.ts';
import { sourceUrl, sql } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const { page } = usePages();

/** The same dataset in both sources, and a view that fails when it is read. */
const schema = `look_${Date.now()}`;
const both = ['sales', 'iot'];

beforeAll(async () => {
  for (const name of both)
    await sql(
      sourceUrl(name),
      `create schema ${schema};
       create table ${schema}.visits as select n as id, '${name} ' || n as name from generate_series(1, 12) n;
       analyze ${schema}.visits;
       create view ${schema}.seen as select timestamptz '2024-01-01Z' as at;
       create view ${schema}.broken as select n as id, 1 / (n - 2) as part from generate_series(1, 3) n`,
    );
});
afterAll(async () => {
  for (const name of both) await sql(sourceUrl(name), `drop schema ${schema} cascade`);
});

async function openForm(source: string, dataset: string): Promise<Page> {
  await signIn(page());
  await choose(page(), 'Source', source);
  await choose(page(), 'Dataset', dataset);
  return page();
}

const previewButton = (of: Page) => of.getByRole('button', { name: 'Preview 20 rows' });
const dialogOf = (of: Page) => of.getByRole('dialog', { name: /^Preview of / });
const rowsOf = (of: Page) =>
  dialogOf(of).getByRole('table', { name: 'First rows of the file' }).getByRole('row');

test('the estimate comes by itself, the preview when its button is pressed; all of it by keyboard', async () => {
  const asked: string[] = [];
  page().on('request', (request) => {
    const path = new URL(request.url()).pathname;
    if (/\/(estimate|preview)$/.test(path)) asked.push(path.split('/').at(-1) ?? '');
  });
  const here = await openForm('sales', 'orders');
  await here.getByLabel('From', { exact: true }).fill('2024-03-01');
  await here.getByLabel('To', { exact: true }).pressSequentially('2024-03-31', { delay: 20 });
  const estimate = here.getByText(/^~[\d,]+ rows, [\d.]+ [kM]B, about \d+ s$/);
  await estimate.waitFor();
  // Read out with the button that it is about.
  const button = here.getByRole('button', { name: 'Export', exact: true });
  const describedBy = (await button.getAttribute('aria-describedby')) ?? '';
  expect(await here.locator(`[id="${describedBy}"]`).textContent()).toMatch(/^~/);
  expect(asked).not.toContain('preview');
  // Ten characters typed are one question, not ten.
  expect(asked.length).toBeLessThanOrEqual(3);

  await previewButton(here).focus();
  await here.keyboard.press('Enter');
  await dialogOf(here).waitFor();
  await dialogOf(here).getByText('The first 20 rows of the file, as CSV.').waitFor();
  expect(await rowsOf(here).count()).toBe(21);
  expect(await violations(here, { within: 'dialog' })).toEqual([]);
  const region = dialogOf(here).getByRole('region', { name: 'First rows of the file' });
  await here.keyboard.press('Tab');
  expect(await region.evaluate((it) => it === document.activeElement)).toBe(true);
  await here.keyboard.press('ArrowRight');
  await until('it scrolls', async () =>
    (await region.evaluate((it) => it.scrollLeft)) > 0 ? true : undefined,
  );
  await here.keyboard.press('Tab');
  await here.keyboard.press('Enter');
  const text = dialogOf(here).getByLabel('The beginning of the file as text');
  await text.waitFor();
  expect(await text.inputValue()).toMatch(/^id,customer_id,/);
  await here.keyboard.press('Escape');
  await dialogOf(here).waitFor({ state: 'detached' });
  expect(await previewButton(here).evaluate((it) => it === document.activeElement)).toBe(true);

  // Another draft: nothing of the one before is shown.
  await here.getByLabel('To', { exact: true }).fill('2024-03-01');
  await here.getByText('Estimating…').waitFor();
  await here.getByLabel('Format').selectOption('xlsx');
  await previewButton(here).click();
  await dialogOf(here).getByText('The first 20 rows of the file, as Excel.').waitFor();
});

test('a form that is not right is refused as by Export; what the source says no to is shown, and can be tried again', async () => {
  await signIn(page());
  await choose(page(), 'Source', 'sales');
  await previewButton(page()).click();
  const summary = page().getByRole('alert');
  await summary.getByText('Choose a dataset.').waitFor();
  expect(await summary.evaluate((it) => it === document.activeElement)).toBe(true);

  await choose(page(), 'Dataset', `${schema}.broken`);
  await previewButton(page()).click();
  await dialogOf(page())
    .getByRole('alert')
    .getByText(/Database sales reported an error while reading/)
    .waitFor();
  expect(await violations(page(), { within: 'dialog' })).toEqual([]);
  await sql(
    sourceUrl('sales'),
    `create or replace view ${schema}.broken as select n as id, n as part from generate_series(1, 3) n`,
  );
  await dialogOf(page()).getByRole('button', { name: 'Try again' }).click();
  await dialogOf(page()).getByText('All 3 rows of the file, as CSV.').waitFor();
});

test('what the estimate is refused for stands beside its field', async () => {
  const here = await openForm('sales', `${schema}.visits`);
  await here.getByText(/^~12 rows/).waitFor();
  await sql(sourceUrl('sales'), `alter table ${schema}.visits rename to gone`);
  try {
    await here.getByLabel('Keep the file for').selectOption('3600');
    await here.getByText(/^Dataset: names no dataset of sales/).waitFor();
    await here.getByText('No estimate: there is a problem above.').waitFor();
    const dataset = here.getByRole('combobox', { name: 'Dataset', exact: true });
    expect(await dataset.getAttribute('aria-invalid')).toBe('true');
  } finally {
    await sql(sourceUrl('sales'), `alter table ${schema}.gone rename to visits`);
  }
});

test('several sources: chosen in the form, seen in the preview, asked for of the API', async () => {
  const here = await openForm('sales', `${schema}.visits`);
  const before = await createExport(monthOfOrders);
  const group = here.getByRole('group', { name: 'Rows of other sources, too' });
  await group.getByRole('checkbox', { name: 'iot' }).check();
  await group.getByText(/In one file: sales, then iot\. The first column, _source,/).waitFor();
  await here.getByText(/^~24 rows/).waitFor();
  expect(await violations(here, { within: 'form' })).toEqual([]);
  await previewButton(here).click();
  await dialogOf(here).getByText('Those of sales come first').waitFor();
  const sources = await rowsOf(here).locator('td:nth-child(2)').allTextContents();
  expect(sources).toEqual([...Array(12).fill('sales'), ...Array(8).fill('iot')]);
  await here.keyboard.press('Escape');
  await here.getByRole('button', { name: 'Export', exact: true }).click();
  const made = await until('an export was made', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(made.request).toMatchObject({ sources: both, dataset: `${schema}.visits` });

  // A workbook has one source: the choice is gone, and it is said why.
  await here.getByLabel('Format').selectOption('xlsx');
  await here.getByText(/iot has .*visits, too\. A file of Excel has the rows of one/).waitFor();
  await here.getByText(/^~12 rows/).waitFor();
});

test('where the data is: bars with words, those of the dates stand out', async () => {
  await sql(sourceUrl('sales'), 'analyze orders');
  const here = await openForm('sales', 'orders');
  const bars = here.getByRole('img', {
    name: /^Where data is in orders: about [\d,]+ rows between/,
  });
  await bars.waitFor();
  const marked = async () => bars.locator('rect.fill-accent').count();
  const all = await bars.locator('rect').count();
  expect(all).toBeGreaterThan(15);
  expect(all).toBeLessThanOrEqual(60);
  expect(await marked()).toBe(all);
  await here.getByLabel('From', { exact: true }).fill('2024-03-01');
  await here.getByLabel('To', { exact: true }).fill('2024-03-31');
  await until('those of March alone are marked', async () => {
    const count = await marked();
    return count > 0 && count < all / 4 ? true : undefined;
  });
  await choose(here, 'Dataset', `${schema}.seen`);
  await here.getByText(/Where the data is: not known\./).waitFor();
});
