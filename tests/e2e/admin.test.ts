import { beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { deadLettersSchema } from '../../lib/contracts/admin.ts';
import { downloadSchema } from '../../lib/contracts/export-document.ts';
import { newAccount } from '../support/accounts.ts';
import { asAdmin, call, createExport, ended, monthOfOrders } from '../support/api.ts';
import { violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { selectOption } from '../support/chromium.ts';
import { produce } from '../support/events.ts';
import { fitsWindow } from '../support/overflow.ts';
import { credentials, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

const sections = [
  'Overview',
  'History',
  'Running',
  'Accounts',
  'Grants',
  'Audit',
  'Dead letters',
  'Sources',
  'Health',
];

const pathOf = (section: string): string => `/admin/${section.toLowerCase().replace(' ', '-')}`;

async function openAdmin(onPage: Page, section = 'Overview'): Promise<void> {
  await signIn(onPage, credentials.admin);
  await onPage.getByRole('link', { name: 'Admin' }).click();
  await onPage.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  if (section !== 'Overview') await openSection(onPage, section);
}

async function openSection(onPage: Page, section: string): Promise<void> {
  await onPage
    .getByRole('navigation', { name: 'Admin' })
    .getByRole('link', { name: section })
    .click();
  await loaded(onPage, section);
}

async function loaded(onPage: Page, section: string): Promise<void> {
  await onPage.getByRole('heading', { name: section, level: 1 }).waitFor();
  await onPage.locator('main [aria-busy="true"]').first().waitFor({ state: 'detached' });
}

beforeAll(async () => {
  await createExport(monthOfOrders);
});

test('an analyst has no link to Admin, and its page says why it is empty, without a request', async () => {
  const requests: string[] = [];
  page().on('request', (request) => requests.push(new URL(request.url()).pathname));
  await signIn(page());
  await page().waitForLoadState('networkidle');
  expect(await page().getByRole('link', { name: 'Admin' }).count()).toBe(0);
  await page().goto(`${stack.url}/admin/accounts`);
  await page().getByRole('heading', { name: 'You don’t have access to Admin.' }).waitFor();
  await page().getByRole('link', { name: 'Go to Exports' }).click();
  await page().getByRole('heading', { name: 'Exports', level: 1 }).waitFor();
  expect(requests.filter((path) => path.includes('/api/v1/admin'))).toEqual([]);
});

test('each section is a route without axe violations in both themes', async () => {
  const here = page();
  await openAdmin(here);
  for (const section of sections) {
    await openSection(here, section);
    expect(new URL(here.url()).pathname).toBe(pathOf(section));
    const current = here.getByRole('navigation', { name: 'Admin' }).locator('[aria-current=page]');
    expect(await current.textContent()).toBe(section);
    await here.emulateMedia({ colorScheme: 'light' });
    expect([section, ...(await violations(here))]).toEqual([section]);
    await here.emulateMedia({ colorScheme: 'dark' });
    expect([section, ...(await violations(here, { theme: 'dark' }))]).toEqual([section]);
  }
});

test('each section fits a phone of 320 px, and its navigation works there', async () => {
  const here = await another({ viewport: { width: 320, height: 640 } });
  await signIn(here, credentials.admin);
  await here.goto(`${stack.url}/admin`);
  await loaded(here, 'Overview');
  for (const section of sections) {
    if (section !== 'Overview') {
      await here.getByRole('button', { name: /^Section: / }).click();
      await openSection(here, section);
    }
    await fitsWindow(here, section);
    if (section === 'History') expect(await violations(here)).toEqual([]);
  }
});

test('charts have their numbers as a table, and the history is filtered, sorted and saved as CSV', async () => {
  const here = page();
  await openAdmin(here);
  await here.getByRole('button', { name: 'Show as table: Accounts' }).press('Enter');
  await here
    .getByRole('region', { name: 'Accounts as table' })
    .getByRole('rowheader', { name: credentials.demo.email })
    .waitFor();
  await here.getByRole('button', { name: 'Pause' }).click();
  await here.getByText(/^Paused, from \d\d:\d\d:\d\d UTC$/).waitFor();

  await openSection(here, 'History');
  await here.getByLabel('Owner').fill(credentials.demo.email);
  await here.keyboard.press('Enter');
  await here.getByLabel('Format').selectOption('csv');
  await here.getByRole('button', { name: 'Created' }).click();
  await here.waitForURL(/owner=.*format=csv.*sort=-Created/);
  expect(await here.getByRole('columnheader', { name: 'Created' }).getAttribute('aria-sort')).toBe(
    'descending',
  );
  const [download] = await Promise.all([
    here.waitForEvent('download'),
    here.getByRole('button', { name: 'CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('exports.csv');
  await here
    .getByText(/^CSV of [\d,]+ rows?/)
    .first()
    .waitFor();
  await here.getByLabel('Owner').fill('missing@nowhere.example');
  await here.keyboard.press('Enter');
  await here.getByText('No exports match.').waitFor();
  await here.getByRole('button', { name: 'Clear filters' }).click();
  await here.getByRole('rowheader').first().waitFor();
});

test('everything of an account is revoked while its browser downloads', async () => {
  const account = await newAccount();
  const { id } = await createExport(monthOfOrders, account.byKey);
  const other = await another();
  await signIn(other, account);
  await other
    .locator(`#export-${id}`)
    .getByRole('button', { name: /^Download/ })
    .waitFor();
  const answer = await call('POST', `/exports/${id}/download`, { headers: account.byKey });
  const { url } = answer.json(downloadSchema);
  const nextRange = (): Promise<number> =>
    other.evaluate(
      async (file) => (await fetch(file, { headers: { Range: 'bytes=0-99' } })).status,
      url,
    );
  expect(await nextRange()).toBe(206);

  const here = page();
  await openAdmin(here, 'Accounts');
  await here.getByLabel('Email', { exact: true }).fill(account.email);
  await here.keyboard.press('Enter');
  await here.getByRole('button', { name: `More for ${account.email}` }).click();
  await here.getByRole('menuitem', { name: 'Revoke everything' }).click();
  const dialog = here.getByRole('dialog', {
    name: `Revoke everything for ${account.email}?`,
  });
  await dialog.getByLabel(`Type ${account.email}`).fill('ana');
  await here.keyboard.press('Enter');
  await dialog.getByText('The text is not the email of the account.').waitFor();
  expect(await violations(here, { within: 'dialog' })).toEqual([]);
  expect(await nextRange()).toBe(206);
  await dialog.getByLabel(`Type ${account.email}`).fill(account.email);
  await here.keyboard.press('Enter');
  await here
    .getByText(/^Revoked \d\d:\d\d UTC\. .*: 1 session, 1 key, \d links? ended\.$/)
    .waitFor();

  expect([401, 403, 404, 410]).toContain(await nextRange());
  await other
    .locator(`#export-${id}`)
    .getByRole('button', { name: /^Download/ })
    .click();
  await other.getByText('Your session ended. Sign in to continue.').waitFor();
  await here.getByRole('link', { name: 'See audit' }).click();
  await here.getByRole('row').filter({ hasText: account.email }).first().waitFor();
});

test('an account is created, and a grant decides which columns its form has', async () => {
  const email = `new-${Date.now()}@tests.example`;
  const here = page();
  await openAdmin(here, 'Accounts');
  await here.getByRole('button', { name: 'Create account' }).click();
  const form = here.getByRole('dialog', { name: 'Create an account' });
  await form.getByLabel('Email').fill(email);
  await here.keyboard.press('Enter');
  const secret = here.getByRole('dialog', { name: `Password of ${email}` });
  const password = (await secret.locator('[data-secret]').textContent()) ?? '';
  await here.keyboard.press('Escape');
  await here.getByRole('button', { name: 'Close without copying' }).click();
  await here.getByRole('link', { name: `Grants of ${email}: None` }).click();
  await here.getByText('Nothing.').waitFor();

  const other = await another();
  await signIn(other, { email, password, apiKey: '' });
  const columns = async (): Promise<string> => {
    await other.goto(`${stack.url}/exports/new`);
    await selectOption(other, 'Source', 'sales');
    await selectOption(other, 'Dataset', 'customers');
    await other.getByRole('button', { name: 'Preview 20 rows' }).click();
    const header = other.getByRole('dialog').getByRole('columnheader');
    await header.first().waitFor();
    return (await header.allTextContents()).join(' ');
  };

  await here.getByRole('button', { name: 'Add grant' }).click();
  const grant = here.getByRole('group', { name: 'Grant 1' });
  await grant.getByLabel('Source').selectOption('sales');
  await grant.getByLabel('Dataset').fill('customers');
  const save = here.getByRole('button', { name: 'Save grants' });
  await save.click();
  await here.getByRole('heading', { name: `${email} sees` }).waitFor();
  expect(await columns()).toContain('email');

  await grant.getByText('No column rules').click();
  await grant.getByLabel('email of grant 1').selectOption('drop');
  await here.getByRole('heading', { name: `${email} would see` }).waitFor();
  await here.getByText('customers of sales, without email').waitFor();
  expect(await violations(here)).toEqual([]);
  await save.click();
  await here.getByRole('heading', { name: `${email} sees` }).waitFor();
  expect(await columns()).not.toContain('email');
});

const readingsLetters = (onPage: Page) => onPage.getByRole('row').filter({ hasText: 'readings' });

/** Waits until the newest dead letter of the readings has a text in its payload. */
async function newestLetterIs(onPage: Page, text: string): Promise<void> {
  const row = readingsLetters(onPage).first();
  await waitFor('the dead letter is listed', async () => {
    await onPage.getByRole('button', { name: 'Refresh' }).click();
    if ((await row.count()) === 0) return undefined;
    if (!(await row.getByText('As hex').isVisible())) await row.getByText('Payload').click();
    return (await row.getByText(text).isVisible()) ? true : undefined;
  });
}

test('a dead letter is shown as text and hex, never rendered, and is discarded', async () => {
  const here = page();
  const mark = `<img src=x onerror=alert(1)> ${Date.now()}`;
  await produce('readings', [{ value: mark }]);
  await openAdmin(here, 'Dead letters');
  const row = readingsLetters(here).first();
  await newestLetterIs(here, mark);
  await row.getByRole('button', { name: 'As hex' }).click();
  await row
    .getByText(Buffer.from('<img src=x onerr').toString('hex').match(/../g)?.join(' ') ?? '')
    .waitFor();
  expect(await violations(here)).toEqual([]);
  await row.getByRole('checkbox').check();
  await here.getByRole('button', { name: 'Discard 1' }).click();
  await here.getByRole('button', { name: 'Leave' }).click();
  await here.getByRole('button', { name: 'Discard 1' }).click();
  await here
    .getByRole('dialog')
    .getByText(/Cannot be undone\./)
    .waitFor();
  await here.getByRole('dialog').getByRole('button', { name: 'Discard 1' }).click();
  await here.getByRole('status').filter({ hasText: '1 message discarded' }).waitFor();
  await here.getByText(mark).waitFor({ state: 'detached' });
});

test('a dead letter is replayed to its topic once', async () => {
  const here = page();
  const mark = `replayed ${Date.now()}`;
  await produce('readings', [{ value: mark }]);
  await openAdmin(here, 'Dead letters');
  await newestLetterIs(here, mark);
  await readingsLetters(here).first().getByRole('checkbox').check();
  await here.getByRole('button', { name: 'Replay 1' }).click();
  const dialog = here.getByRole('dialog', { name: 'Replay 1 message to readings?' });
  await dialog.getByRole('button', { name: 'Replay 1' }).click();
  await here.getByRole('status').filter({ hasText: '1 message replayed' }).waitFor();
  // The record is as unreadable as before, so that it becomes another dead letter.
  await waitFor('the record was handled again', async () => {
    const list = await call('GET', '/admin/dead-letters?topic=readings.dlq', { headers: asAdmin });
    const letters = list
      .json(deadLettersSchema)
      .items.filter(({ value }) => value === Buffer.from(mark).toString('base64'));
    return letters.length === 2 ? true : undefined;
  });
});

test('an administrator cancels a running export of another account', async () => {
  const here = page();
  const view = `cancelled_by_admin_${Date.now()}`;
  await sql(
    sourceUrl('sales'),
    `create view ${view} as select id, pg_sleep(0.05)::text as nothing from customers`,
  );
  const { id } = await createExport({ sources: ['sales'], dataset: view, format: 'csv' });
  await openAdmin(here, 'Running');
  const row = here.getByRole('row').filter({ hasText: id });
  const cancel = row.getByRole('button', {
    name: `Cancel ${view}.csv of ${credentials.demo.email}`,
  });
  await cancel.focus();
  await here.keyboard.press('Enter');
  const dialog = here.getByRole('dialog', { name: `Cancel ${view}.csv?` });
  await dialog
    .getByText(
      `The rows written so far are discarded. ${credentials.demo.email} keeps the export, as cancelled.`,
    )
    .waitFor();
  await dialog.getByRole('button', { name: 'Cancel export' }).click();
  await here
    .getByRole('status')
    .filter({ hasText: `${view}.csv is being cancelled` })
    .waitFor();
  await row.waitFor({ state: 'detached' });
  expect((await ended(id)).status).toBe('cancelled');
  await sql(sourceUrl('sales'), `drop view ${view}`);
});

test('a source is paused with a reason, and resumed', async () => {
  const here = page();
  await openAdmin(here, 'Sources');
  await here.getByRole('button', { name: 'Pause iot' }).click();
  const dialog = here.getByRole('dialog', { name: 'Pause iot?' });
  await dialog.getByRole('button', { name: 'Pause source' }).click();
  await dialog.getByText('Enter a reason.').waitFor();
  await dialog.getByLabel('Reason').fill('Maintenance');
  await here.keyboard.press('Enter');
  const row = here.getByRole('row', { name: /^iot/ });
  await row.getByText(/^Paused .* by .*: Maintenance$/).waitFor();
  await row.getByRole('button', { name: 'Resume iot' }).click();
  await row.getByRole('button', { name: 'Pause iot' }).waitFor();
});
