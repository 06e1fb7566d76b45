import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createExport, ended, monthOfOrders } from '../stack/api.ts';
import { type Theme, violations } from '../stack/axe.ts';
import { signIn, usePages } from '../stack/browser.ts';
import { choose } from '../stack/chromium.ts';
import { stack } from '../stack/stack.ts';

const { page, another } = usePages();

async function fillForm(of: Page): Promise<void> {
  await choose(of, 'Source', 'sales');
  await choose(of, 'Dataset', 'orders');
  await of.getByLabel('To', { exact: true }).fill('2024-03-31');
}

describe.each<Theme>(['light', 'dark'])('in the %s theme axe finds nothing wrong with', (theme) => {
  test('the sign-in page', async () => {
    const here = await another({ colorScheme: theme });
    await here.goto(stack.url);
    await here.getByLabel('Email').waitFor();
    expect(await violations(here, { theme })).toEqual([]);
  });

  test('the exports page, a refused form, a dialog and one export', async () => {
    const { id } = await createExport(monthOfOrders);
    await ended(id);
    const here = await another({ colorScheme: theme });
    await signIn(here);
    await here.locator(`#export-${id}`).waitFor();
    // One row is as good as fifty, and is looked at in a tenth of the time.
    await here.getByLabel('Search exports').fill(id.slice(-8));
    await fillForm(here);
    expect(await violations(here, { theme })).toEqual([]);

    await here.getByLabel('From', { exact: true }).fill('yesterday');
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

  test('the page on a phone, and a refused download', async () => {
    const here = await another({ colorScheme: theme, viewport: { width: 390, height: 800 } });
    await signIn(here);
    await here.getByRole('row').first().waitFor();
    await here.getByLabel('Search exports').fill('orders_2024-03-01_2024-04-01');
    expect(await violations(here, { theme })).toEqual([]);
    await here.goto(`${stack.url}/exports/new`);
    await here.getByRole('combobox', { name: 'Source', exact: true }).waitFor();
    expect(await violations(here, { theme })).toEqual([]);
    await here.goto(`${stack.url}/files/nothing`);
    await here.getByRole('heading', { name: 'Not found' }).waitFor();
    expect(await violations(here, { theme })).toEqual([]);
  });
});

test('320 px are enough: no page is wider than its window', async () => {
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

test('what loads later moves nothing: the layout shifts by less than 0.1', async () => {
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
  // Whatever is still to come comes with an answer.
  await page().waitForLoadState('networkidle');
  const { shift } = await page().evaluate((): { shift: number } => Reflect.get(window, 'total'));
  expect(shift).toBeLessThan(0.1);
});
