import { mkdir } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { asOther, call, createExport } from '../support/api.ts';
import { launchBrowser, selectOption } from '../support/chromium.ts';
import { typeDates } from '../support/form.ts';
import { credentials, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** `npm run screenshots`: takes the pictures of the documents again. It needs a running stack. */
const directory = 'docs/images';
await mkdir(directory, { recursive: true });

const requests = [
  {
    sources: ['iot'],
    dataset: 'readings',
    format: 'ndjson',
    compression: 'zstd',
    from: '2025-12-01T00:00:00Z',
  },
  { sources: ['sales'], dataset: 'customers', format: 'csv', compression: 'gzip' },
  {
    sources: ['sales'],
    dataset: 'orders',
    format: 'csv',
    from: '2024-03-01T00:00:00Z',
    to: '2024-04-01T00:00:00Z',
  },
  { sources: ['sales'], dataset: 'revenue_by_month', format: 'csv' },
];
const stopped = await createExport({ ...requests[0], compression: 'none' }, asOther);
await call('DELETE', `/exports/${stopped.id}`, { headers: asOther });
for (const request of requests) await createExport(request, asOther);
await waitFor('all exports are ready', async () => {
  const list = await call('GET', '/exports?limit=4', { headers: asOther });
  return list.bytes.toString().split('"status":"ready"').length > requests.length
    ? true
    : undefined;
});

const browser = await launchBrowser();
try {
  for (const [name, width, colorScheme] of [
    ['exports', 1280, 'light'],
    ['exports-dark', 1280, 'dark'],
    ['exports-phone', 390, 'light'],
  ] as const) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    await signIn(page);
    await page
      .getByRole('button', { name: /^Download / })
      .first()
      .waitFor();
    if (width > 1_000) await fillForm(page);
    await page.getByText('Estimating…').waitFor({ state: 'hidden' });
    await page.screenshot({ path: `${directory}/${name}.png` });
    await page.close();
  }
  for (const [name, width, height] of [
    ['live', 1280, 900],
    ['live-phone', 390, 844],
  ] as const) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme: 'light' });
    await signIn(page);
    const series = ['pump-1', 'pump-2', 'boiler-1'].map((one) => ['series', one]);
    await page.goto(`${stack.url}/live?${new URLSearchParams(series)}`);
    await page.getByText(/^lag /).waitFor();
    // Units and history come with other answers than the first readings.
    await page
      .getByRole('row', { name: 'boiler-1' })
      .getByText('°C')
      .filter({ visible: true })
      .first()
      .waitFor();
    await page.locator('section[aria-label="Chart"][aria-busy="false"]').waitFor();
    await page.waitForTimeout(1_000);
    await page.screenshot({ path: `${directory}/${name}.png` });
    await page.close();
  }
  for (const [name, path, width] of [
    ['admin', '/admin/overview', 1280],
    ['admin-history', '/admin/history', 1280],
    ['admin-grants', `/admin/grants?account=${credentials.demo.email}`, 1280],
    ['admin-phone', '/admin/overview', 390],
    ['account', '/account', 1280],
  ] as const) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: 'light' });
    await signIn(page, credentials.admin);
    await page.goto(`${stack.url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    if (name === 'admin-grants') await draftGrant(page);
    await page.waitForLoadState('networkidle');
    await page.locator('main [aria-busy="true"]').first().waitFor({ state: 'detached' });
    await page.screenshot({ path: `${directory}/${name}.png` });
    await page.close();
  }
} finally {
  await browser.close();
}

async function signIn(page: Page, person = credentials.other): Promise<void> {
  page.setDefaultTimeout(60_000);
  await page.goto(stack.url);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Exports', level: 1 }).waitFor();
}

async function fillForm(page: Page): Promise<void> {
  await selectOption(page, 'Source', 'sales');
  await selectOption(page, 'Dataset', 'orders');
  await typeDates(page, { from: '2024-03-01', to: '2024-03-31' });
  await page.getByRole('heading', { name: 'Exports', level: 1 }).click();
}

/** Shows a grant of one dataset that is not saved. */
async function draftGrant(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Remove grant 1' }).click();
  await page.getByRole('button', { name: 'Add grant' }).click();
  const grant = page.getByRole('group', { name: 'Grant 2' });
  await grant.getByLabel('Source').selectOption('sales');
  await grant.getByLabel('Dataset').fill('customers');
  await grant.getByText('No column rules').click();
  await grant.getByLabel('email of grant 2').selectOption('hash');
  await grant.getByLabel('name of grant 2').selectOption('drop');
  await page.evaluate(() => scrollTo(0, 0));
}
