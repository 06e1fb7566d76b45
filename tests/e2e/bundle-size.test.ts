import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import lighthouse, { desktopConfig } from 'lighthouse';
import puppeteer from 'puppeteer-core';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { call } from '../stack/api.ts';
import { signIn, usePages } from '../stack/browser.ts';
import { chromiumArguments, findChromium } from '../stack/chromium.ts';
import { credentials, stack } from '../stack/stack.ts';

const { page } = usePages();

test('the first view needs at most 170 kB of JavaScript, compressed; the exports page little more', async () => {
  const scripts = new Map<string, number>();
  page().on('response', async (response) => {
    if (response.status() === 200 && new URL(response.url()).pathname.endsWith('.js'))
      scripts.set(response.url(), gzipSync(await response.body()).length);
  });
  const loaded = async (what: string): Promise<number> => {
    await page().waitForLoadState('networkidle');
    const bytes = [...scripts.values()].reduce((sum, size) => sum + size, 0);
    console.info(`JavaScript loaded for ${what}: ${(bytes / 1_000).toFixed(0)} kB gzip`);
    return bytes;
  };
  await page().goto(stack.url);
  await page().getByLabel('Email').waitFor();
  const first = await loaded('the first view');
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThanOrEqual(170_000);
  await signIn(page());
  await page().getByRole('combobox', { name: 'Source', exact: true }).waitFor();
  expect(await loaded('sign-in and the exports page')).toBeLessThanOrEqual(190_000);
});

test('hashed files may be kept for ever, the page itself has to be asked for', async () => {
  const html = await fetch(stack.url, { signal: AbortSignal.timeout(30_000) });
  expect(html.headers.get('cache-control')).toBe('no-cache');
  const asset = /\/assets\/[^"]+\.js/.exec(await html.text())?.[0] ?? '';
  const script = await fetch(stack.url + asset, { signal: AbortSignal.timeout(30_000) });
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(html.headers.get('content-security-policy')).not.toContain('unsafe');
});

describe.each([
  { view: 'sign-in page', signedIn: false, heading: 'Sign in' },
  { view: 'exports page', signedIn: true, heading: 'Exports' },
])('Lighthouse gives the $view', ({ view, signedIn, heading }) => {
  test('at least 90 in performance, accessibility and best practices', async () => {
    const { email, password } = credentials.demo;
    const answer = await call('POST', '/sessions', { body: { email, password } });
    const session = JSON.stringify({ ...answer.json(sessionSchema), email });
    // Whatever else the machine does lowers the performance, nothing raises it: the best of three counts.
    let best = new Map<string, number>();
    for (let run = 0; run < 3 && lowest(best) < 90; run++) {
      const scores = await audit(heading, signedIn ? session : undefined);
      if (lowest(scores) > lowest(best)) best = scores;
    }
    console.info(`Lighthouse, ${view}: ${JSON.stringify(Object.fromEntries(best))}`);
    expect(best.size).toBe(3);
    expect(lowest(best)).toBeGreaterThanOrEqual(90);
  });
});

const lowest = (scores: Map<string, number>): number =>
  scores.size === 0 ? 0 : Math.min(...scores.values());

/** → score (0 to 100) by category, of a page that has to end with this heading. */
async function audit(heading: string, session: string | undefined): Promise<Map<string, number>> {
  const browser = await puppeteer.launch({
    executablePath: await findChromium(),
    args: chromiumArguments,
  });
  try {
    const tab = await browser.newPage();
    if (session !== undefined)
      await tab.evaluateOnNewDocument(
        (kept) => sessionStorage.setItem('streamsync.session', kept),
        session,
      );
    const result = await lighthouse(
      stack.url,
      {
        onlyCategories: ['performance', 'accessibility', 'best-practices'],
        disableStorageReset: true,
        maxWaitForLoad: 30_000,
      },
      desktopConfig,
      tab,
    );
    expect(await tab.evaluate(() => document.querySelector('h1')?.textContent)).toBe(heading);
    const categories = Object.values(result?.lhr.categories ?? {});
    return new Map(categories.map(({ id, score }) => [id, Math.round((score ?? 0) * 100)]));
  } finally {
    await browser.close();
  }
}
