import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { type ExportDocument, exportListSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call } from './api.ts';
import { launchBrowser } from './chromium.ts';
import { credentials, type Person, stack } from './stack.ts';

/**
 * One browser for a file of tests, and a page of its own (an empty profile) for each of them. A test fails on what
 * the page complained of: uncaught errors, and anything the content security policy had to refuse.
 */
export function usePages(options: BrowserContextOptions = {}): {
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
    page.setDefaultTimeout(60_000);
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
      if (!first) throw new Error('there is no page outside a test');
      return first;
    },
    another: open,
  };
}

/** Fills in the sign-in page, as the demo analyst unless told otherwise. */
export async function signIn(page: Page, who: Person = credentials.demo): Promise<void> {
  await page.goto(stack.url);
  await page.getByLabel('Email').fill(who.email);
  await page.getByLabel('Password', { exact: true }).fill(who.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Exports', level: 1 }).waitFor();
}

/** The demo analyst's newest export. */
export async function newestExport(): Promise<ExportDocument> {
  const list = await call('GET', '/exports?limit=1', { headers: asDemo });
  const [document] = list.json(exportListSchema).items;
  if (!document) throw new Error('there is no export');
  return document;
}
