import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { acceptedReadingsSchema, seriesListSchema } from '../../lib/contracts/readings.ts';
import { asDemo, call, createExport } from '../support/api.ts';
import { violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { readStack, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

const minute = 60_000;

interface Reading {
  series: string;
  at: string;
  value: number;
}

const reading = (series: string, at: number, value: number): Reading => ({
  series,
  at: new Date(at).toISOString(),
  value,
});

async function produce(...readings: Reading[]): Promise<void> {
  const answer = await call('POST', '/readings', { body: readings, headers: asDemo });
  expect(answer.status).toBe(202);
  expect(answer.json(acceptedReadingsSchema).accepted).toBe(readings.length);
}

/** Produces readings until the page has one of them: a subscription takes a moment. Returns its value. */
async function produceUntilShown(onPage: Page, series: string): Promise<void> {
  let value = 100;
  await waitFor(
    `${series} is live`,
    async () => {
      value += 1;
      await produce(reading(series, Date.now(), value));
      const cell = onPage.getByRole('row').filter({ hasText: series }).getByText(String(value));
      return await cell.waitFor({ timeout: 2_000 }).then(
        () => true,
        () => undefined,
      );
    },
    { everyMs: 0 },
  );
}

/** Produces a reading and returns after how many milliseconds the page has it. */
async function timeToPage(onPage: Page, series: string, value: number): Promise<number> {
  const cell = onPage.getByRole('row').filter({ hasText: series }).getByText(String(value));
  const producedAt = performance.now();
  await produce(reading(series, Date.now(), value));
  await cell.waitFor();
  return performance.now() - producedAt;
}

/** Returns a series of its own with its first reading, which is stored. */
async function newSeries(
  name: string,
  ...readings: [at: number, value: number][]
): Promise<string> {
  const series = `page-${name}-${Date.now().toString(36)}`;
  const first: [number, number][] = readings.length > 0 ? readings : [[Date.now(), 1]];
  await produce(...first.map(([at, value]) => reading(series, at, value)));
  await waitFor(`${series} is stored`, async () => {
    const list = await call('GET', `/series?search=${series}`, { headers: asDemo });
    return list.json(seriesListSchema).items.length > 0 ? true : undefined;
  });
  return series;
}

async function openLive(onPage: Page, query: string): Promise<void> {
  await signIn(onPage);
  await onPage.goto(`${stack.url}/live?${query}`);
  await onPage.getByRole('heading', { name: 'Live', level: 1 }).waitFor();
}

const slider = (onPage: Page) => onPage.getByRole('slider', { name: 'Time in the chart' });

/** Counts drawings of the chart, and keeps its sockets so that a test can close them. */
const watchPage = (): void => {
  const seen: { drawings: number; sockets: WebSocket[] } = { drawings: 0, sockets: [] };
  Object.assign(window, { seen });
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function count(...rectangle) {
    seen.drawings += 1;
    clearRect.apply(this, rectangle);
  };
  const Original = WebSocket;
  window.WebSocket = class extends Original {
    constructor(url: string | URL) {
      super(url);
      seen.sockets.push(this);
    }
  };
};

const drawings = (onPage: Page): Promise<number> =>
  onPage.evaluate(() => Number(Reflect.get(Reflect.get(window, 'seen'), 'drawings')));

const closeSockets = (onPage: Page): Promise<void> =>
  onPage.evaluate(() => {
    for (const socket of Reflect.get(Reflect.get(window, 'seen'), 'sockets')) socket.close();
  });

/** Returns the parts of the width of the chart, from 0 to 1, that have a pixel of the first line. */
const drawnParts = (onPage: Page): Promise<number[]> =>
  onPage.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const over = document.querySelector('.u-over');
    if (!canvas || !over) return [];
    const ratio = canvas.width / canvas.clientWidth;
    const [outer, inner] = [canvas.getBoundingClientRect(), over.getBoundingClientRect()];
    const left = Math.round((inner.left - outer.left) * ratio);
    const top = Math.round((inner.top - outer.top) * ratio);
    const width = Math.round(inner.width * ratio);
    const height = Math.round(inner.height * ratio);
    const pixels = canvas.getContext('2d')?.getImageData(left, top, width, height).data ?? [];
    const parts = new Set<number>();
    for (let index = 0; index < pixels.length; index += 4) {
      const [red = 0, , blue = 0, alpha = 0] = pixels.slice(index, index + 4);
      // The first line is blue; grid and band are grey.
      if (alpha > 0 && blue - red > 60) parts.add(((index / 4) % width) / width);
    }
    return [...parts].toSorted((a, b) => a - b);
  });

test('a reading is on the page after it was produced, and the page says Live', async () => {
  const series = await newSeries('value');
  await openLive(page(), `series=${series}`);
  await produceUntilShown(page(), series);
  await page().getByText('Live', { exact: true }).nth(1).waitFor();
  await page()
    .getByRole('status')
    .filter({ hasText: /^Live|Paused/ })
    .waitFor();
  const times: number[] = [];
  for (let value = 501; value <= 505; value++)
    times.push(Math.round(await timeToPage(page(), series, value)));
  console.info(`from POST /readings to the page: ${times.join(', ')} ms`);
});

test('a pause leaves all pixels as they are for 5 s, and resume reaches the present', async () => {
  const series = await newSeries('pause');
  // Chart and table are in the window, so that a picture does not scroll.
  const here = await another({ viewport: { width: 1280, height: 1_300 } });
  await openLive(here, `series=${series}`);
  await produceUntilShown(here, series);
  await here.getByRole('button', { name: 'Pause', exact: true }).click();
  await here.getByRole('button', { name: 'Resume', exact: true }).waitFor();
  await here.mouse.move(0, 0);
  const row = here.getByRole('row').filter({ hasText: series });
  const shot = async () => ({
    chart: await here.locator('canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL()),
    plot: (await here.locator('.u-over').screenshot()).toString('base64'),
    row: (await row.screenshot()).toString('base64'),
  });
  const before = await shot();
  const end = Date.now() + 5_000;
  let produced = 0;
  while (Date.now() < end) {
    produced += 1;
    await produce(reading(series, Date.now(), 500 + produced));
    await here.waitForTimeout(200);
  }
  await here.getByText(new RegExp(`^${produced} new reading`)).waitFor();
  const after = await shot();
  expect(after.chart === before.chart).toBe(true);
  expect(after.plot === before.plot).toBe(true);
  expect(after.row === before.row).toBe(true);
  await here.getByRole('button', { name: 'Resume', exact: true }).click();
  await row.getByText(String(500 + produced)).waitFor();
  await waitFor('the line reaches the present', async () =>
    ((await drawnParts(here)).at(-1) ?? 0) > 0.9 ? true : undefined,
  );
});

test('no segment spans a hole of 20 minutes', async () => {
  const now = Date.now();
  const stretch = (from: number, to: number): [number, number][] =>
    Array.from({ length: (to - from) * 6 }, (_, index) => [
      now + from * minute + index * 10_000,
      50 + (index % 7),
    ]);
  const series = await newSeries('hole', ...stretch(-50, -35), ...stretch(-15, 0));
  await openLive(page(), `series=${series}&range=1h`);
  // The hole is from 25/60 to 45/60 of the width, less what passes until it is drawn.
  const parts = await waitFor('both stretches are drawn', async () => {
    const drawn = await drawnParts(page());
    return drawn.some((part) => part < 0.35) && drawn.some((part) => part > 0.8)
      ? drawn
      : undefined;
  });
  expect(parts.filter((part) => part > 0.43 && part < 0.7)).toEqual([]);
  const right = parts.filter((part) => part > 0.75);
  expect(right.length).toBeGreaterThan(50);
});

test('a pinned tooltip stays for 50 drawings', async () => {
  await page().addInitScript(watchPage);
  const series = await newSeries('pin');
  // A batch of each partition is sent in its own time, so several series are drawn more often than one.
  const others = await Promise.all([1, 2, 3, 4, 5].map((n) => newSeries(`pin${n}`)));
  await openLive(page(), [series, ...others].map((name) => `series=${name}`).join('&'));
  await produceUntilShown(page(), series);
  await slider(page()).focus();
  await page().keyboard.press('End');
  await page().keyboard.press('Enter');
  const pinned = page().getByText('pinned, Esc unpins');
  await pinned.waitFor();
  const text = await slider(page()).getAttribute('aria-valuetext');
  const before = await drawings(page());
  await waitFor(
    '50 drawings',
    async () => {
      await Promise.all(others.map((name) => produce(reading(name, Date.now(), Math.random()))));
      return (await drawings(page())) - before >= 50 ? true : undefined;
    },
    { everyMs: 0 },
  );
  expect(await pinned.isVisible()).toBe(true);
  expect(await slider(page()).getAttribute('aria-valuetext')).toBe(text);
  await page().keyboard.press('Escape');
  await pinned.waitFor({ state: 'hidden' });
});

test('without a socket the page polls with If-None-Match, and a hidden tab sends nothing', async () => {
  await page().addInitScript(watchPage);
  const series = await newSeries('poll');
  await openLive(page(), `series=${series}`);
  await produceUntilShown(page(), series);
  const polls: { tag: string | undefined; status: number }[] = [];
  page().on('response', (response) => {
    if (response.url().includes('/api/v1/readings?'))
      polls.push({ tag: response.request().headers()['if-none-match'], status: response.status() });
  });
  await page().route('**/api/v1/live-tickets', (route) => route.abort());
  await closeSockets(page());
  await page().locator('#main').getByText('Polling every 5 s').waitFor();
  await waitFor('a poll was answered with 304', async () =>
    polls.some(({ tag, status }) => tag !== undefined && status === 304) ? true : undefined,
  );
  await produce(reading(series, Date.now(), 777));
  await page().getByRole('row').filter({ hasText: series }).getByText('777').waitFor();

  const requests: string[] = [];
  page().on('request', (request) => requests.push(request.url()));
  await page().evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  requests.length = 0;
  await page().waitForTimeout(12_000);
  expect(requests.filter((url) => /readings|series|live/.test(url))).toEqual([]);

  await page().unroute('**/api/v1/live-tickets');
  await page().evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await page().locator('#main').getByText('Polling every 5 s').waitFor({ state: 'hidden' });
  await produceUntilShown(page(), series);
});

test('after a restart of the functions the chart has what the database has', async () => {
  const series = await newSeries('restart');
  await openLive(page(), `series=${series}`);
  await produceUntilShown(page(), series);
  process.kill((await readStack()).pid, 'SIGUSR2');
  let value = 1_000;
  const send = async (): Promise<void> => {
    value += 1;
    // The API is away for some seconds; a reading that was refused is sent again with its next time.
    await produce(reading(series, Date.now(), value)).catch(() => undefined);
  };
  for (let second = 0; second < 10; second++) {
    await send();
    await page().waitForTimeout(1_000);
  }
  await waitFor(
    'the newest reading is shown',
    async () => {
      await send();
      const row = page().getByRole('row').filter({ hasText: series });
      return await row
        .getByText(value.toLocaleString('en-GB'))
        .waitFor({ timeout: 3_000 })
        .then(
          () => true,
          () => undefined,
        );
    },
    { seconds: 240 },
  );
  // Both readings that were missed and the end of the history are loaded some seconds later.
  await page().waitForTimeout(6_000);
  await page().getByRole('button', { name: 'Pause', exact: true }).click();
  await page().getByRole('button', { name: 'Show as table' }).click();
  await page().getByRole('columnheader', { name: 'Time' }).waitFor();
  const drawn = await page()
    .getByRole('region', { name: 'Data of the chart' })
    .getByRole('row')
    .evaluateAll((rows) =>
      rows
        .slice(1)
        .map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent)),
    );
  // The table has the last value of every 10 s of the last 15 minutes.
  const stored = await sql<{ at: Date; value: number }>(
    sourceUrl('iot'),
    `select distinct on (date_bin('10 s', at, '2000-01-01Z')) date_bin('10 s', at, '2000-01-01Z') as at, value
     from readings where series = $1
     order by date_bin('10 s', at, '2000-01-01Z') desc, readings.at desc`,
    [series],
  );
  expect(stored.length).toBeGreaterThan(1);
  expect(drawn.map(([time, text]) => [time?.slice(-8), text])).toEqual(
    stored.map((row) => [
      row.at.toISOString().slice(11, 19),
      new Intl.NumberFormat('en-GB').format(row.value),
    ]),
  );
});

test('the page is used by keyboard, and its range is exported with its series', async () => {
  const now = Date.now();
  const series = await newSeries('keys', [now - 8 * minute, 1], [now - 4 * minute, 2], [now, 3]);
  await openLive(page(), '');
  await page().getByText('Choose a series to start.').waitFor();
  await page().getByLabel('Search series').fill(series);
  await page().getByRole('checkbox', { name: series }).focus();
  await page().keyboard.press('Space');
  await page().waitForURL(`**/live?series=${series}`);
  await slider(page()).waitFor();
  const valueText = (text: RegExp) =>
    waitFor(`the cursor is at ${text.source}`, async () =>
      text.test((await slider(page()).getAttribute('aria-valuetext')) ?? '') ? true : undefined,
    );
  await waitFor('the history is drawn', async () =>
    (await drawnParts(page())).length > 0 ? true : undefined,
  );
  await slider(page()).focus();
  await page().keyboard.press('Home');
  await valueText(/ UTC, page-keys.* 1$/);
  await page().keyboard.press('ArrowRight');
  await valueText(/ 2$/);
  await page().keyboard.press('End');
  await valueText(/ 3$/);
  await page().keyboard.press('ArrowLeft');
  await page().keyboard.press('+');
  await page().waitForURL(/from=.*to=/);
  await page().getByRole('button', { name: 'Back to live' }).press('Enter');
  await page().waitForURL(`**/live?series=${series}`);

  const estimated = page().waitForRequest('**/api/v1/exports/estimate');
  await page().getByRole('link', { name: 'Export range' }).press('Enter');
  const estimate = await estimated;
  expect(estimate.postDataJSON()).toMatchObject({
    sources: ['iot'],
    dataset: 'readings',
    where: [{ column: 'series', op: 'in', value: [series] }],
    from: expect.any(String),
    to: expect.any(String),
  });
});

describe.each(['light', 'dark'] as const)('with the %s theme', (theme) => {
  test('the live page has no axe violations, empty, live, paused and on a phone', async () => {
    const series = await newSeries('axe');
    const here = await another({ colorScheme: theme });
    await openLive(here, '');
    await here.getByText('Choose a series to start.').waitFor();
    expect(await violations(here, { theme })).toEqual([]);
    await here.goto(`${stack.url}/live?series=${series}`);
    await slider(here).waitFor();
    await here.getByRole('button', { name: 'Pause', exact: true }).click();
    await here.getByRole('button', { name: 'Show as table' }).click();
    expect(await violations(here, { theme })).toEqual([]);
    const phone = await another({ colorScheme: theme, viewport: { width: 390, height: 800 } });
    await openLive(phone, `series=${series}`);
    await slider(phone).waitFor();
    expect(await violations(phone, { theme })).toEqual([]);
  });
});

test('a row of the exports page changes by the live connection while its polls fail', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view slow_live_customers as
       select c.id, pg_sleep(0.02)::text as nothing from customers c`,
  );
  const { id } = await createExport({
    sources: ['sales'],
    dataset: 'slow_live_customers',
    format: 'csv',
  });
  const connected = page().waitForEvent('websocket');
  await signIn(page());
  const socket = await connected;
  const row = page().locator(`#export-${id}`);
  await row.waitFor();
  await page().waitForLoadState('networkidle');
  expect(socket.isClosed()).toBe(false);
  await page().route('**/api/v1/exports**', (route) => route.abort());
  const removed = await call('DELETE', `/exports/${id}`, { headers: asDemo });
  expect([200, 202]).toContain(removed.status);
  await row.getByText(/^Cancelled/).waitFor();
});

test('the live page is not wider than a window of 320 px', async () => {
  const series = await newSeries('narrow');
  const narrow = await another({ viewport: { width: 320, height: 640 } });
  await openLive(narrow, `series=${series}`);
  await slider(narrow).waitFor();
  await narrow.getByRole('button', { name: 'Show as table' }).click();
  await narrow.getByRole('button', { name: 'Series (1)' }).click();
  await narrow.getByLabel('Search series').fill(series);
  await narrow.getByRole('checkbox', { name: series }).waitFor();
  const overflow = await narrow.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBe(0);
});
