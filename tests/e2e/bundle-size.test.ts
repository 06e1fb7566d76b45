import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import lighthouse, { desktopConfig } from 'lighthouse';
import puppeteer from 'puppeteer-core';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { call } from '../support/api.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { chromiumArguments, findChromium } from '../support/chromium.ts';
import { credentials, stack } from '../support/stack.ts';

const { page } = useBrowser();

test('the first view loads at most 170 kB of compressed JavaScript, the exports page at most 190 kB', async () => {
  const scripts = new Map<string, number>();
  page().on('response', async (response) => {
    if (response.status() === 200 && new URL(response.url()).pathname.endsWith('.js'))
      scripts.set(response.url(), gzipSync(await response.body()).length);
  });
  const loadedBytes = async (view: string): Promise<number> => {
    await page().waitForLoadState('networkidle');
    const bytes = [...scripts.values()].reduce((sum, size) => sum + size, 0);
    console.info(`JavaScript loaded for ${view}: ${(bytes / 1_000).toFixed(0)} kB gzip`);
    return bytes;
  };
  await page().goto(stack.url);
  await page().getByLabel('Email').waitFor();
  const firstView = await loadedBytes('the first view');
  expect(firstView).toBeGreaterThan(0);
  expect(firstView).toBeLessThanOrEqual(170_000);
  await signIn(page());
  await page().getByRole('combobox', { name: 'Source', exact: true }).waitFor();
  expect(await loadedBytes('sign-in and the exports page')).toBeLessThanOrEqual(190_000);
});

test('a browser caches hashed files for a year and revalidates the page', async () => {
  const html = await fetch(stack.url, { signal: AbortSignal.timeout(90_000) });
  expect(html.headers.get('cache-control')).toBe('no-cache');
  const asset = /\/assets\/[^"]+\.js/.exec(await html.text())?.[0] ?? '';
  const script = await fetch(stack.url + asset, { signal: AbortSignal.timeout(90_000) });
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(html.headers.get('content-security-policy')).not.toContain('unsafe');
});

test.each([
  { view: 'sign-in page', signedIn: false, heading: 'Sign in' },
  { view: 'exports page', signedIn: true, heading: 'Exports' },
])(
  'Lighthouse gives the $view at least 95 in performance, accessibility and best practices',
  async ({ view, signedIn, heading }) => {
    const { email, password } = credentials.demo;
    const answer = await call('POST', '/sessions', { body: { email, password } });
    const session = JSON.stringify({ ...answer.json(sessionSchema), email });
    // Other load on the machine can only lower the performance, so the best of three runs counts.
    let best = new Map<string, number>();
    for (let run = 0; run < 3 && lowest(best) < 95; run++) {
      const scores = await audit(heading, signedIn ? session : undefined);
      if (lowest(scores) > lowest(best)) best = scores;
    }
    console.info(`Lighthouse, ${view}: ${JSON.stringify(Object.fromEntries(best))}`);
    expect(best.size).toBe(3);
    expect(lowest(best)).toBeGreaterThanOrEqual(95);
  },
);

const lowest = (scores: Map<string, number>): number =>
  scores.size === 0 ? 0 : Math.min(...scores.values());

/** Returns the scores (0 to 100) by category. Fails if the page does not have this heading at the end. */
async function audit(heading: string, session: string | undefined): Promise<Map<string, number>> {
  const browser = await puppeteer.launch({
    executablePath: await findChromium(),
    args: chromiumArguments,
  });
  try {
    const tab = await browser.newPage();
    if (session !== undefined)
      await tab.evaluateOnNewDocument(
        (saved) => sessionStorage.setItem('streamsync.session', saved),
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
