import type { Page } from 'playwright-core';

/** The button that shows the dates of the form and opens their fields. */
export const datesButton = (page: Page) => page.getByRole('button', { name: /^Dates/ });

export const exportButton = (page: Page) =>
  page.getByRole('button', { name: 'Export', exact: true });

export const moreOptions = (page: Page) => page.getByRole('button', { name: /^More options/ });

/** Types the dates of the form; an end that is undefined stays as it is. */
export async function typeDates(
  page: Page,
  { from, to }: { from?: string; to?: string },
): Promise<void> {
  await openDates(page);
  if (from !== undefined) await page.getByLabel('From', { exact: true }).fill(from);
  if (to !== undefined) await page.getByLabel('To', { exact: true }).fill(to);
  await page.keyboard.press('Escape');
}

/** Opens the fields of the dates. */
export async function openDates(page: Page): Promise<void> {
  if ((await datesButton(page).getAttribute('aria-expanded')) !== 'true')
    await datesButton(page).click();
  await page.getByLabel('From', { exact: true }).waitFor();
}

export const chooseFormat = (page: Page, name: string): Promise<void> =>
  page.getByRole('radio', { name, exact: true }).check();
