import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type ExportDocument, exportListSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call } from './api.ts';
import { launchBrowser } from './chromium.ts';
import { credentials, type Person, stack } from './stack.ts';

/**
 * Starts one browser for a file of tests and opens a page with an empty profile for each test. A test fails on
 * uncaught errors of its page and on violations of the content security policy.
 */
export function useBrowser(options: BrowserContextOptions = {}): {
  page: () => Page;
  another: (options?: BrowserContextOptions) => Promise<Page>;
} {
  let browser: Browser;
  let pages: Page[] = [];
  let complaints: string[] = [];

  const open = async (own: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      timezoneId: 'UTC',
      ...options,
      ...own,
    });
    const page = await context.newPage();
    pages.push(page);
    page.setDefaultTimeout(120_000);
    page.on('console', (message) => {
      if (/Content Security Policy|Uncaught/.test(message.text())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    return page;
  };

  beforeAll(async () => {
    browser = await launchBrowser();
  }, 600_000);
  afterAll(async () => {
    await browser.close();
  });
  beforeEach(async () => {
    complaints = [];
    await open();
  });
  afterEach(async () => {
    const opened = pages;
    pages = [];
    for (const page of opened) await page.context().close();
    expect(complaints).toEqual([]);
  });
  return {
    page: () => {
      const [first] = pages;
      if (!first) throw new Error('page() was called outside a test; call it inside a test');
      return first;
    },
    another: open,
  };
}

/** Fills in and submits the sign-in page, by default as the demo analyst. Throws with the message of a rejection. */
export async function signIn(page: Page, person: Person = credentials.demo): Promise<void> {
  await page.goto(stack.url);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  const exports = page.getByRole('heading', { name: 'Exports', level: 1 });
  const rejection = page.getByRole('alert').filter({ hasText: /./ });
  await exports.or(rejection).first().waitFor();
  if ((await exports.count()) === 0)
    throw new Error(`the sign-in was rejected: ${await rejection.innerText()}`);
}

/** Returns the demo analyst's newest export. */
export async function newestExport(): Promise<ExportDocument> {
  const list = await call('GET', '/exports?limit=1', { headers: asDemo });
  const [document] = list.json(exportListSchema).items;
  if (!document) throw new Error('the demo analyst has no export');
  return document;
}
