import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createExport, ended, monthOfOrders } from '../support/api.ts';
import { type Theme, violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { typeDates } from '../support/form.ts';
import { stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

async function fillForm(onPage: Page): Promise<void> {
  await selectOption(onPage, 'Source', 'sales');
  await selectOption(onPage, 'Dataset', 'orders');
  await typeDates(onPage, { to: '2024-03-31' });
}

describe.each<Theme>(['light', 'dark'])('with the %s theme', (theme) => {
  test('the sign-in page has no axe violations', async () => {
    const here = await another({ colorScheme: theme });
    await here.goto(stack.url);
    await here.getByLabel('Email').waitFor();
    expect(await violations(here, { theme })).toEqual([]);
  });

  test('the exports page, a form with errors, a dialog and the page of an export have no axe violations', async () => {
    const { id } = await createExport(monthOfOrders);
    await ended(id);
    const here = await another({ colorScheme: theme });
    await signIn(here);
    await here.locator(`#export-${id}`).waitFor();
    // axe needs a tenth of the time for one row, and fifty rows have the same markup.
    await here.getByLabel('Search exports').fill(id.slice(-8));
    await fillForm(here);
    expect(await violations(here, { theme })).toEqual([]);

    await typeDates(here, { from: 'yesterday' });
    await here.getByRole('button', { name: 'Export', exact: true }).click();
    await here.getByText('There is a problem').waitFor();
    expect(await violations(here, { theme, within: 'form' })).toEqual([]);

    await here.getByRole('button', { name: new RegExp(`^More for .*${id.slice(-8)}`) }).click();
    await here.getByRole('menuitem', { name: 'Manifest' }).click();
    await here.getByRole('dialog').getByText('SHA-256').waitFor();
    expect(await violations(here, { theme, within: 'dialog' })).toEqual([]);
    await here.keyboard.press('Escape');

    await here.locator(`#export-${id}`).getByRole('link').first().click();
    await here.waitForURL(`**/exports/${id}`);
    await here.getByText('SHA-256').first().waitFor();
    expect(await violations(here, { theme })).toEqual([]);
  });

  test('the pages on a phone and a failed download have no axe violations', async () => {
    const here = await another({ colorScheme: theme, viewport: { width: 390, height: 800 } });
    const name = `On a phone, ${theme}, ${Date.now()}`;
    await ended((await createExport({ ...monthOfOrders, name })).id);
    await signIn(here);
    await here.getByRole('row').first().waitFor();
    await here.getByLabel('Search exports').fill(name);
    // Until the search is answered the list has exports of other suites, and changes while axe looks at it.
    await waitFor('the list has the export that matches, and no other', async () => {
      const rows = here.locator('[id^="export-"]');
      const found = await rows.filter({ hasText: name }).count();
      return found === 1 && (await rows.count()) === 1 ? true : undefined;
    });
    expect(await violations(here, { theme })).toEqual([]);
    await here.goto(`${stack.url}/exports/new`);
    await here.getByRole('combobox', { name: 'Source', exact: true }).waitFor();
    expect(await violations(here, { theme })).toEqual([]);
    await here.goto(`${stack.url}/files/nothing`);
    await here.getByRole('heading', { name: 'Not found' }).waitFor();
    expect(await violations(here, { theme })).toEqual([]);
  });
});

test('no page is wider than a window of 320 px', async () => {
  const narrow = await another({ viewport: { width: 320, height: 640 } });
  await signIn(narrow);
  await narrow.getByRole('row').first().waitFor();
  const overflow = () =>
    narrow.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
  expect(await overflow()).toBe(0);
  await narrow.goto(`${stack.url}/exports/new`);
  await fillForm(narrow);
  expect(await overflow()).toBe(0);
});

test('the layout shifts by less than 0.1 while the exports page loads', async () => {
  await page().addInitScript(() => {
    const total = { shift: 0 };
    Object.assign(window, { total });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (!Reflect.get(entry, 'hadRecentInput'))
          total.shift += Number(Reflect.get(entry, 'value'));
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await signIn(page());
  await page().reload();
  await page().getByRole('row').first().waitFor();
  await page().getByRole('combobox', { name: 'Source', exact: true }).waitFor();
  // Everything that loads later comes with an answer of the server.
  await page().waitForLoadState('networkidle');
  const { shift } = await page().evaluate((): { shift: number } => Reflect.get(window, 'total'));
  expect(shift).toBeLessThan(0.1);
});
