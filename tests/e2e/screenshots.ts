import { mkdir } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { asOther, call, createExport } from '../stack/api.ts';
import { choose, launchBrowser } from '../stack/chromium.ts';
import { credentials, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

/** `npm run screenshots`, beside a stack that runs: the pictures of the documents, made anew. */
const directory = 'docs/images';
await mkdir(directory, { recursive: true });

const made = [
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
const stopped = await createExport({ ...made[0], compression: 'none' }, asOther);
await call('DELETE', `/exports/${stopped.id}`, { headers: asOther });
for (const request of made) await createExport(request, asOther);
await until('all are ready', async () => {
  const list = await call('GET', '/exports?limit=4', { headers: asOther });
  return list.bytes.toString().split('"status":"ready"').length > made.length ? true : undefined;
});

const browser = await launchBrowser();
try {
  for (const [name, width, colorScheme] of [
    ['exports', 1280, 'light'],
    ['exports-dark', 1280, 'dark'],
    ['exports-phone', 390, 'light'],
  ] as const) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    await page.goto(stack.url);
    await page.getByLabel('Email').fill(credentials.other.email);
    await page.getByLabel('Password', { exact: true }).fill(credentials.other.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page
      .getByRole('button', { name: /^Download / })
      .first()
      .waitFor();
    if (width > 1_000) await fillForm(page);
    await page.getByText('Estimating…').waitFor({ state: 'hidden' });
    await page.screenshot({ path: `${directory}/${name}.png` });
    await page.close();
  }
} finally {
  await browser.close();
}

async function fillForm(page: Page): Promise<void> {
  await choose(page, 'Source', 'sales');
  await choose(page, 'Dataset', 'orders');
  await page.getByLabel('From', { exact: true }).fill('2024-03-01');
  await page.getByLabel('To', { exact: true }).fill('2024-03-31');
  await page.getByRole('heading', { name: 'Exports', level: 1 }).click();
}
