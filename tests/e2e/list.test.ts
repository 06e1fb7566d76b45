import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { exportDocumentSchema } from '../../lib/contracts/export-document.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { asAdmin, call, createExport, monthOfOrders } from '../support/api.ts';
import { violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

afterAll(() => sql(sourceUrl('sales'), 'drop view if exists long_texts, slow_customers'));

/** Waits for the end of an export. */
const endedOf = ({ byKey }: OwnAccount, id = '') =>
  waitFor(`export ${id} ends`, async () => {
    const document = (await call('GET', `/exports/${id}`, { headers: byKey })).json(
      exportDocumentSchema,
    );
    return document.status === 'queued' || document.status === 'running' ? undefined : document;
  });

/** Returns an account with exports that have ended, the first request's first. */
async function accountWith(
  requests: readonly object[],
): Promise<{ account: OwnAccount; ids: string[] }> {
  const account = await newAccount();
  const ids: string[] = [];
  for (const request of requests) {
    const { id } = await createExport(request, account.byKey);
    await endedOf(account, id);
    ids.push(id);
  }
  return { account, ids };
}

/** Expects no axe violations in both themes. */
async function expectAccessible(onPage: Page, within?: 'dialog'): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await onPage.emulateMedia({ colorScheme: theme });
    expect(await violations(onPage, { theme, ...(within !== undefined && { within }) })).toEqual(
      [],
    );
  }
}

const rowOf = (onPage: Page, id = '') => onPage.locator(`#export-${id}`);
const inAddress = (onPage: Page, name: string) => new URL(onPage.url()).searchParams.get(name);
const listedIds = (onPage: Page) =>
  onPage
    .locator('[role=row][id^="export-"]')
    .evaluateAll((rows) => rows.map((row) => row.id.replace('export-', '')));

test('statuses are chips with their numbers, and the columns sort the list, in the address too', async () => {
  const { account, ids } = await accountWith([
    { ...monthOfOrders, format: 'json' },
    monthOfOrders,
    { sources: ['sales'], dataset: 'revenue_by_month', format: 'csv' },
  ]);
  const stopped = await createExport(
    { sources: ['sales'], dataset: 'orders', format: 'json' },
    account.byKey,
  );
  await call('DELETE', `/exports/${stopped.id}`, { headers: account.byKey });
  const { status } = await endedOf(account, stopped.id);
  await signIn(page(), account);
  const chips = page().getByRole('group', { name: 'Status' }).getByRole('button');
  await rowOf(page(), ids[0]).waitFor();
  expect(await chips.allInnerTexts()).toEqual(
    status === 'cancelled'
      ? ['All 4', 'Ready 3', 'Cancelled 1'].map((text) => text.replace(' ', '\n'))
      : ['All 4', 'Ready 4'].map((text) => text.replace(' ', '\n')),
  );
  await chips.filter({ hasText: 'Ready' }).click();
  await waitFor('the status is in the address', async () =>
    inAddress(page(), 'status') === 'ready' ? true : undefined,
  );
  await page().getByRole('button', { name: 'Size' }).click();
  const [json, csv, small] = ids;
  await waitFor('the largest file is first', async () => {
    const listed = (await listedIds(page())).filter((id) => ids.includes(id));
    return listed.join() === [json, csv, small].join() ? true : undefined;
  });
  expect(inAddress(page(), 'sort')).toBe('-bytes');
  const sorted = page().getByRole('columnheader', { name: 'Size' });
  expect(await sorted.getAttribute('aria-sort')).toBe('descending');
  await page().getByRole('button', { name: 'Size' }).click();
  await page().reload();
  await waitFor('the smallest file is first', async () => {
    const listed = (await listedIds(page())).filter((id) => ids.includes(id));
    return listed.join() === [small, csv, json].join() ? true : undefined;
  });
});

test('selected exports are downloaded, and deleted after a dialog that names them', async () => {
  const { account, ids } = await accountWith([
    monthOfOrders,
    { ...monthOfOrders, format: 'json' },
    { ...monthOfOrders, format: 'ndjson' },
    { ...monthOfOrders, name: 'Stays in the list' },
  ]);
  await signIn(page(), account);
  const box = (id = '') => rowOf(page(), id).getByRole('checkbox');
  await box(ids[2]).check();
  // Shift selects all between the two.
  await box(ids[0]).click({ modifiers: ['Shift'] });
  const toolbar = page().getByRole('toolbar', { name: 'Selected exports' });
  await toolbar.getByText('3 selected').waitFor();
  await expectAccessible(page());
  expect(await box(ids[3]).isChecked()).toBe(false);

  const hashes: string[] = [];
  page().on('download', async (download) => {
    const bytes = await readFile(await download.path());
    hashes.push(createHash('sha256').update(bytes).digest('hex'));
  });
  await toolbar.getByRole('button', { name: 'Download 3' }).click();
  await waitFor('three files are saved', async () => (hashes.length === 3 ? true : undefined));
  const expected = [];
  for (const id of ids.slice(0, 3)) expected.push((await endedOf(account, id)).file?.sha256);
  expect(new Set(hashes)).toEqual(new Set(expected));

  await page()
    .getByRole('group', { name: 'Filters' })
    .getByRole('button', { name: 'Show downloaded' })
    .click();
  await page().getByRole('checkbox', { name: 'Select all listed exports' }).check();
  await box(ids[3]).uncheck();
  await toolbar.getByRole('button', { name: 'Delete 3' }).click();
  const dialog = page().getByRole('dialog');
  await dialog.getByText('orders · Mar 2024, NDJSON').waitFor();
  expect(await dialog.getByText('Stays in the list').count()).toBe(0);
  await expectAccessible(page(), 'dialog');
  await dialog.getByRole('button', { name: 'Keep in list' }).click();
  expect((await endedOf(account, ids[0])).status).toBe('ready');
  await toolbar.getByRole('button', { name: 'Delete 3' }).click();
  await dialog.getByRole('button', { name: 'Delete 3 exports' }).click();
  await waitFor('one row is left', async () =>
    (await listedIds(page())).join() === ids[3] ? true : undefined,
  );
  for (const id of ids.slice(0, 3))
    expect((await call('GET', `/exports/${id}`, { headers: account.byKey })).status).toBe(404);
});

test('a file that becomes ready has the only filled Download until it is fetched, and notifies a user who asked', async () => {
  const here = await another({ permissions: ['notifications'] });
  await here.addInitScript(() => {
    const titles: string[] = [];
    Object.assign(window, { titles });
    class Recorded extends EventTarget {
      static permission = 'granted';
      static requestPermission = async () => 'granted';
      constructor(title: string) {
        super();
        titles.push(title);
      }
    }
    Object.assign(window, { Notification: Recorded });
  });
  const pause = '/sources/sales/pause';
  const { account, ids } = await accountWith([monthOfOrders]);
  await call('POST', pause, { headers: asAdmin, body: { reason: 'of the list' } });
  try {
    const { id } = await createExport({ ...monthOfOrders, format: 'json' }, account.byKey);
    await signIn(here, account);
    await rowOf(here, id).getByText('Queued').waitFor();
    const notify = here.getByRole('button', { name: 'Notify me when exports are ready' });
    await notify.click();
    expect(await notify.getAttribute('aria-pressed')).toBe('true');
    await here.evaluate(() =>
      Object.defineProperty(document, 'hidden', { value: true, configurable: true }),
    );
    await call('DELETE', pause, { headers: asAdmin });
    const button = (of = '') => rowOf(here, of).getByRole('button', { name: /^Download/ });
    await button(id).waitFor();
    await waitFor('the user is notified', () =>
      here.evaluate((): boolean | undefined =>
        Reflect.get(window, 'titles').includes('orders · Mar 2024 is ready') ? true : undefined,
      ),
    );
    // Of a row that has left the list, none.
    const background = async (of = '') => {
      const colors = await button(of).evaluateAll((buttons) =>
        buttons.map((element) => getComputedStyle(element).backgroundColor),
      );
      return colors[0];
    };
    const quiet = await background(ids[0]);
    expect(await background(id)).not.toBe(quiet);
    const saved = here.waitForEvent('download');
    await button(id).click();
    await saved;
    await waitFor('the button is quiet', async () => {
      const color = await background(id);
      return color === undefined || color === quiet ? true : undefined;
    });
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
});

test('an export that would fail again offers to change it, and its title stays the same from queue to failure', async () => {
  await sql(
    sourceUrl('sales'),
    `create or replace view long_texts as select 1 as id, repeat('x', 40000) as body`,
  );
  const { account, ids } = await accountWith([
    { sources: ['sales'], dataset: 'long_texts', format: 'xlsx' },
  ]);
  await signIn(page(), account);
  const row = rowOf(page(), ids[0]);
  await row.getByRole('link', { name: 'long_texts · all time' }).waitFor();
  expect(await row.getByRole('button', { name: /^Try again/ }).count()).toBe(0);
  await expectAccessible(page());
  await row.getByRole('button', { name: /^Change and export/ }).click();
  await waitFor('the form has the dataset', async () =>
    (await page().getByRole('combobox', { name: 'Dataset', exact: true }).inputValue()) ===
    'long_texts'
      ? true
      : undefined,
  );
});

test('the list says that all exports were downloaded, and a new account gets an example that fills the form', async () => {
  const { account, ids } = await accountWith([monthOfOrders]);
  const { file } = await endedOf(account, ids[0]);
  const acknowledged = await call('POST', `/exports/${ids[0]}/acknowledge`, {
    headers: account.byKey,
    body: { sha256: file?.sha256 },
  });
  expect(acknowledged.status).toBeLessThan(300);
  await signIn(page(), account);
  await page().getByText('All your exports were downloaded.').waitFor();
  await expectAccessible(page());
  await page().getByRole('main').getByRole('button', { name: 'Show downloaded' }).last().click();
  await rowOf(page(), ids[0]).waitFor();

  const here = await another();
  await signIn(here, await newAccount());
  await here.getByRole('heading', { name: 'No exports yet' }).waitFor();
  await here.getByRole('button', { name: /^Try it: / }).waitFor();
  await expectAccessible(here);
  await here.getByRole('button', { name: /^Try it: / }).click();
  const dataset = here.getByRole('combobox', { name: 'Dataset', exact: true });
  await waitFor('the form is filled', async () =>
    (await dataset.inputValue()) === '' ? undefined : true,
  );
});

test('on a phone a card has at most 120 px, and Back returns to its row', async () => {
  const { account, ids } = await accountWith([monthOfOrders]);
  await sql(
    stack.postgres.catalogue,
    `insert into exports (id, owner_id, request, state, created_at, finished_at)
     select gen_random_uuid(), e.owner_id, e.request, 'cancelled', e.created_at, e.finished_at
     from exports e, generate_series(1, 40) where e.id = $1`,
    [ids[0]],
  );
  const here = await another({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await signIn(here, account);
  const rows = here.locator('[role=row][id^="export-"]');
  await rows.nth(30).waitFor();
  const heights = await rows.evaluateAll((all) =>
    all.slice(0, 8).map((row) => row.getBoundingClientRect().height),
  );
  expect(Math.max(...heights)).toBeLessThanOrEqual(120);
  const target = rows.nth(25);
  const id = await target.getAttribute('id');
  await target.getByRole('link').click();
  await here.getByRole('heading', { name: 'Request' }).waitFor();
  await expectAccessible(here);
  await here.goBack();
  await waitFor('the row is in the window and has the focus', () =>
    here.locator(`#${id}`).evaluate((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      const isSeen = top >= 0 && bottom <= window.innerHeight;
      return isSeen && row === document.activeElement ? true : undefined;
    }),
  );
});

test('the page of an export has the whole width, and its Duplicate fills the form', async () => {
  const { account, ids } = await accountWith([{ ...monthOfOrders, name: 'March of 2024' }]);
  await signIn(page(), account);
  await page().goto(`${stack.url}/exports/${ids[0]}`);
  await page().getByRole('heading', { name: 'March of 2024, CSV', level: 1 }).waitFor();
  await page().getByRole('list', { name: 'Times' }).getByText('Finished').waitFor();
  expect(await page().getByRole('form', { name: 'New export' }).count()).toBe(0);
  await page()
    .getByRole('button', { name: /^More for/ })
    .click();
  await page().getByRole('menuitem', { name: 'Duplicate' }).click();
  await page().getByRole('form', { name: 'New export' }).waitFor();
  const dataset = page().getByRole('combobox', { name: 'Dataset', exact: true });
  await waitFor('the form is filled', async () =>
    (await dataset.inputValue()) === 'orders' ? true : undefined,
  );
});

test('the page stops to promise a time that has run out', async () => {
  const pause = '/sources/sales/pause';
  await call('POST', pause, { headers: asAdmin, body: { reason: 'of a promise' } });
  try {
    const account = await newAccount();
    const { id } = await createExport(monthOfOrders, account.byKey);
    // What the server answers while a queue stands still that it expects to move.
    await page().route(/\/api\/v1\/exports(\?|\/[0-9a-f-]{36}$)/, async (route) => {
      const answer = await route.fetch();
      const body = await answer.text();
      await route.fulfill({
        response: answer,
        body: body
          .replaceAll(/"etaSeconds":(null|\d+)/g, '"etaSeconds":1')
          .replaceAll(/"queuePosition":(null|\d+)/g, '"queuePosition":0')
          .replaceAll(/"waiting":"[^"]*"/g, '"waiting":null'),
      });
    });
    await signIn(page(), account);
    await rowOf(page(), id).getByText('next in line, ready in about 1 s').waitFor();
    await rowOf(page(), id).getByText('next in line, longer than usual').waitFor();
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
});
