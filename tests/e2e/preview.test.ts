import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createExport, monthOfOrders } from '../support/api.ts';
import { violations } from '../support/axe.ts';
import { newestExport, signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { waitForFocus } from '../support/focus.ts';
import { chooseFormat, moreOptions, openDates, typeDates } from '../support/form.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

/** A schema with the same dataset in both sources, and a view that fails when it is read. */
const schema = `preview_${Date.now()}`;
const sourceNames = ['sales', 'iot'];

beforeAll(async () => {
  for (const name of sourceNames)
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
  for (const name of sourceNames) await sql(sourceUrl(name), `drop schema ${schema} cascade`);
});

async function openForm(source: string, dataset: string): Promise<Page> {
  await signIn(page());
  await selectOption(page(), 'Source', source);
  await selectOption(page(), 'Dataset', dataset);
  return page();
}

const previewButton = (onPage: Page) => onPage.getByRole('button', { name: 'Preview 20 rows' });
const dialogOf = (onPage: Page) => onPage.getByRole('dialog', { name: /^Preview of / });
const rowsOf = (onPage: Page) =>
  dialogOf(onPage).getByRole('table', { name: 'First rows of the file' }).getByRole('row');

test('the estimate appears by itself, and the preview opens on a press, by keyboard', async () => {
  const requests: string[] = [];
  page().on('request', (request) => {
    const path = new URL(request.url()).pathname;
    if (/\/(estimate|preview)$/.test(path)) requests.push(path.split('/').at(-1) ?? '');
  });
  const here = await openForm('sales', 'orders');
  await openDates(here);
  await here.getByLabel('From', { exact: true }).fill('2024-03-01');
  await here.getByLabel('To', { exact: true }).pressSequentially('2024-03-31', { delay: 20 });
  await here.keyboard.press('Enter');
  const estimate = here.getByText(/^~[\d,]+ rows · [\d.]+ [kM]B · about \d+ s$/);
  await estimate.waitFor();
  // Screen readers read the estimate with the button Export.
  const exportButton = here.getByRole('button', { name: 'Export', exact: true });
  const describedBy = (await exportButton.getAttribute('aria-describedby')) ?? '';
  expect(await here.locator(`[id="${describedBy}"]`).textContent()).toMatch(/^~/);
  expect(requests).not.toContain('preview');
  // Ten typed characters cause one request, not ten.
  expect(requests.length).toBeLessThanOrEqual(3);

  await previewButton(here).focus();
  await here.keyboard.press('Enter');
  await dialogOf(here).waitFor();
  await dialogOf(here).getByText('The first 20 rows of the file, as CSV. Times in UTC.').waitFor();
  expect(await rowsOf(here).count()).toBe(21);
  expect(await violations(here, { within: 'dialog' })).toEqual([]);
  const region = dialogOf(here).getByRole('region', { name: 'First rows of the file' });
  await here.keyboard.press('Tab');
  await here.keyboard.press('Tab');
  await waitForFocus(region);
  await here.keyboard.press('ArrowRight');
  await waitFor('the table scrolls', async () =>
    (await region.evaluate((element) => element.scrollLeft)) > 0 ? true : undefined,
  );
  await here.keyboard.press('Tab');
  await here.keyboard.press('Enter');
  const text = dialogOf(here).getByLabel('The beginning of the file as text');
  await text.waitFor();
  expect(await text.inputValue()).toMatch(/^id,customer_id,/);
  await here.keyboard.press('Escape');
  await dialogOf(here).waitFor({ state: 'detached' });
  await waitForFocus(previewButton(here));

  // After a change of the draft, the previous estimate is not shown.
  await typeDates(here, { to: '2024-03-01' });
  await here.getByText('Estimating…').waitFor();
  await chooseFormat(here, 'Excel');
  await previewButton(here).click();
  await dialogOf(here).getByText('The first 20 rows of the file, as an Excel workbook.').waitFor();
});

test('the preview names the zone of its times, has its buttons in sight in a low window, and exports what it shows', async () => {
  const berlin = await another({ timezoneId: 'Europe/Berlin' });
  await signIn(berlin);
  await selectOption(berlin, 'Source', 'sales');
  await selectOption(berlin, 'Dataset', 'orders');
  await typeDates(berlin, { from: '2024-03-01', to: '2024-03-31' });
  await chooseFormat(berlin, 'Excel');
  await berlin.getByText('Real dates and numbers; times in Europe/Berlin.').waitFor();
  await berlin.setViewportSize({ width: 1024, height: 400 });
  await previewButton(berlin).click();
  const dialog = dialogOf(berlin);
  await dialog.getByText(/as an Excel workbook\. Times in Europe\/Berlin\./).waitFor();
  expect(
    await dialog
      .getByRole('cell')
      .first()
      .evaluate((cell) => getComputedStyle(cell).textAlign),
  ).toBe('right');
  await dialog.getByRole('row').last().scrollIntoViewIfNeeded();
  for (const name of ['Close', 'Export', 'Back to the form'])
    expect(
      await dialog.getByRole('button', { name, exact: true }).evaluate((button) => {
        const { top, bottom } = button.getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
      }),
    ).toBe(true);
  await dialog.getByRole('button', { name: 'Close', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await previewButton(berlin).click();
  await dialog.waitFor();
  // A press outside the dialog.
  await berlin.mouse.click(4, 4);
  await dialog.waitFor({ state: 'detached' });

  const before = await createExport(monthOfOrders);
  await previewButton(berlin).click();
  await dialog.getByRole('button', { name: 'Export', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const created = await waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(created.request).toMatchObject({ format: 'xlsx', timeZone: 'Europe/Berlin' });
});

test('Preview shows the errors of the form like Export, and an error of the source with a button to try again', async () => {
  await signIn(page());
  await selectOption(page(), 'Source', 'sales');
  await previewButton(page()).click();
  const summary = page().getByRole('alert');
  await summary.getByText('Choose a dataset.').waitFor();
  await waitForFocus(summary);

  await selectOption(page(), 'Dataset', `${schema}.broken`);
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

test('an error of the estimate is shown at its field', async () => {
  const here = await openForm('sales', `${schema}.visits`);
  await here.getByText(/^~12 rows/).waitFor();
  await sql(sourceUrl('sales'), `alter table ${schema}.visits rename to gone`);
  try {
    await moreOptions(here).click();
    await here.getByLabel('Keep the file for').selectOption('3600');
    await here.getByText(/^Dataset: names no dataset of sales/).waitFor();
    await here.getByText('No estimate until Dataset is fixed.').waitFor();
    const dataset = here.getByRole('combobox', { name: 'Dataset', exact: true });
    expect(await dataset.getAttribute('aria-invalid')).toBe('true');
  } finally {
    await sql(sourceUrl('sales'), `alter table ${schema}.gone rename to visits`);
  }
});

test('further sources of the form are in the preview and in the request', async () => {
  const here = await openForm('sales', `${schema}.visits`);
  const before = await createExport(monthOfOrders);
  const group = here.getByRole('group', { name: 'Add rows from' });
  await group.getByRole('checkbox', { name: 'iot' }).check();
  await group.getByText(/In one file: sales, then iot\. A first column, _source,/).waitFor();
  await here.getByText(/^~24 rows/).waitFor();
  expect(await violations(here, { within: 'form' })).toEqual([]);
  await previewButton(here).click();
  await dialogOf(here).getByText('The rows of sales come first').waitFor();
  const sources = await rowsOf(here).locator('td:nth-child(2)').allTextContents();
  expect(sources).toEqual([...Array(12).fill('sales'), ...Array(8).fill('iot')]);
  await here.keyboard.press('Escape');
  await here.getByRole('button', { name: 'Export', exact: true }).click();
  const created = await waitFor('an export was created', async () => {
    const newest = await newestExport();
    return newest.id === before.id ? undefined : newest;
  });
  expect(created.request).toMatchObject({ sources: sourceNames, dataset: `${schema}.visits` });

  // A workbook has one source, so the form shows the reason in place of the choice.
  await chooseFormat(here, 'Excel');
  await here.getByText(/iot also has .*visits\. A file of Excel has the rows of one/).waitFor();
  await here.getByText(/^~12 rows/).waitFor();
});

test('the chart shows the rows over time, with a text, and highlights the bars of the chosen dates', async () => {
  await sql(sourceUrl('sales'), 'analyze orders');
  const here = await openForm('sales', 'orders');
  const bars = here.getByRole('slider', { name: 'Rows of orders over time' });
  await bars.waitFor();
  const description = (await bars.getAttribute('aria-describedby')) ?? '';
  expect(await here.locator(`[id="${description}"]`).textContent()).toMatch(
    /^about [\d,]+ rows between .* and .*; most of them, about [\d,]+ rows, between /,
  );
  const highlighted = async () => bars.locator('rect.fill-accent').count();
  const all = await bars.locator('rect').count();
  expect(all).toBeGreaterThan(15);
  expect(all).toBeLessThanOrEqual(60);
  expect(await highlighted()).toBe(0);
  await typeDates(here, { from: '2024-03-01', to: '2024-03-31' });
  await waitFor('only the bars of March are highlighted', async () => {
    const count = await highlighted();
    return count > 0 && count < all / 4 ? true : undefined;
  });
  await selectOption(here, 'Dataset', `${schema}.seen`);
  await here.getByText(/No chart\./).waitFor();
});
