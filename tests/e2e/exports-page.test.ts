import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call } from '../stack/api.ts';
import { choose, launchBrowser, signIn } from '../stack/browser.ts';
import { credentials, stack } from '../stack/stack.ts';

let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launchBrowser();
}, 600_000);
afterAll(async () => {
  await browser.close();
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(20_000);
  complaints = [];
  page.on('console', (message) => {
    if (/Content Security Policy|Uncaught/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
});
afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

const newest = async () => {
  const list = await call('GET', '/exports?limit=1', { headers: asDemo });
  const [document] = list.json(exportListSchema).items;
  if (!document) throw new Error('there is no export');
  return document;
};

test('sign in, export, watch, download: the bytes are those of the manifest', async () => {
  await signIn(page);
  await choose(page, 'Source', 'sales');
  await choose(page, 'Dataset', 'orders');
  await page.getByLabel('From', { exact: true }).fill('2024-03-01');
  await page.getByLabel('To', { exact: true }).fill('2024-03-31');
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page
    .getByRole('status')
    .filter({ hasText: /queued|ready/i })
    .waitFor();
  const { id, request } = await newest();
  expect(request).toMatchObject({ sources: ['sales'], dataset: 'orders', format: 'csv' });

  const button = page.getByRole('button', { name: new RegExp(`^Download .*${id.slice(-8)}`) });
  await button.waitFor();
  const begun = page.waitForEvent('download');
  await button.click();
  const download = await begun;
  const document = await newest();
  expect(download.suggestedFilename()).toBe(document.file?.name);
  const bytes = await readFile(await download.path());
  expect(bytes.length).toBe(document.file?.bytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(document.file?.sha256);
}, 90_000);

test('a form without a dataset is refused beside its field, and the summary takes the focus', async () => {
  await signIn(page);
  await choose(page, 'Source', 'iot');
  const before = await newest();
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  const summary = page.getByText('There is a problem');
  await summary.waitFor();
  const focused = await page.evaluate(() => document.activeElement?.textContent ?? '');
  expect(focused).toContain('There is a problem');
  expect(await page.getByRole('combobox', { name: 'Source', exact: true }).inputValue()).toBe(
    'iot',
  );
  expect((await newest()).id).toBe(before.id);
}, 60_000);

test('a wrong password keeps the email and says so', async () => {
  await page.goto(stack.url);
  await page.getByLabel('Email').fill(credentials.demo.email);
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Email or password is not right. Try again.').waitFor();
  expect(await page.getByLabel('Email').inputValue()).toBe(credentials.demo.email);
}, 60_000);

test('a link of an event opens the export after sign in', async () => {
  const { id } = await newest();
  await page.goto(`${stack.api}/exports/${id}/file`);
  await page.getByLabel('Email').fill(credentials.demo.email);
  await page.getByLabel('Password', { exact: true }).fill(credentials.demo.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`**/exports/${id}`);
  await page
    .getByText(new RegExp(id.slice(-8)))
    .first()
    .waitFor();
}, 60_000);
