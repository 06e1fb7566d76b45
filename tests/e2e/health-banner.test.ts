import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { healthSchema } from '../../lib/contracts/health.ts';
import { call } from '../support/api.ts';
import { type Theme, violations } from '../support/axe.ts';
import { signIn, useBrowser } from '../support/browser.ts';
import { sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

const { page, another } = useBrowser();

/**
 * Closes the first `slots` slots and opens the others. Returns when the health reports it: the server caches the
 * health for 2 s, and a page that receives an old one asks again a minute later.
 */
async function closeSlots(slots: 0 | 3): Promise<void> {
  await sql(
    stack.postgres.catalogue,
    `update slots set closed_offset = 9000000000,
       closed_until = case when partition < $1 then now() + interval '10 minutes' end`,
    [slots],
  );
  await waitFor(`the health reports ${slots} closed slots`, async () => {
    const { problems = [] } = (await call('GET', '/health')).json(healthSchema);
    const isReported = problems.some(({ code }) => code === 'slots_closed');
    return isReported === slots > 0 ? true : undefined;
  });
}
const changeCatalogue = (statement: string) => sql(stack.postgres.catalogue, statement);

// The health check reports the dead letters of other suites for a while, so they are made older here.
beforeAll(async () => {
  await changeCatalogue(
    `update outbox set created_at = created_at - interval '1 hour' where topic like '%.dlq'`,
  );
  await changeCatalogue(
    `update outbox set failed_at = failed_at - interval '2 hours' where failed_at is not null`,
  );
});
afterEach(async () => {
  await closeSlots(0);
  await changeCatalogue(`delete from outbox where topic = 'nowhere'`);
});

const delayedText =
  /Some things do not work as usual\. Exports may start later than usual\. None is lost\./;

test('the banner shows that exports are delayed, and returns after a dismissal only for another reason', async () => {
  await closeSlots(3);
  // The page polls the health every minute; a fake clock shortens that.
  await page().clock.install();
  await signIn(page());
  const banner = page().getByRole('status').filter({ hasText: 'do not work as usual' });
  await banner.filter({ hasText: delayedText }).waitFor();

  await banner.getByRole('button', { name: 'Dismiss' }).click();
  await banner.waitFor({ state: 'hidden' });
  const healthResponse = page().waitForResponse('**/api/v1/health');
  await page().clock.runFor(61_000);
  await healthResponse;
  expect(await banner.count()).toBe(0);

  await changeCatalogue(
    `insert into outbox (event_id, topic, failed_at) values (gen_random_uuid(), 'nowhere', now())`,
  );
  // The server caches the health for 2 s, so the next answer may be an old one.
  await waitFor('the banner is back', async () => {
    await page().clock.runFor(61_000);
    return (await banner.count()) > 0 ? true : undefined;
  });
  await banner.filter({ hasText: 'could not be delivered' }).waitFor();
});

test.each<Theme>(['light', 'dark'])(
  'the banner has no axe violations with the %s theme',
  async (theme) => {
    await closeSlots(3);
    const here = await another({ colorScheme: theme });
    await signIn(here);
    await here.getByText(delayedText).waitFor();
    expect(await violations(here, { theme })).toEqual([]);
  },
);

test('the banner is absent while the stack is healthy', async () => {
  const healthResponse = page().waitForResponse('**/api/v1/health');
  await signIn(page());
  await healthResponse;
  expect(await page().getByText('do not work as usual').count()).toBe(0);
});

test.each([
  [403, 'Forbidden'],
  [413, 'Request Entity Too Large'],
  [429, 'Too Many Requests'],
  [503, 'Service Unavailable'],
])(
  'an answer of API Gateway itself with status %i is no answer, and the page tries again',
  async (status, message) => {
    await signIn(page());
    await page().route('**/api/v1/me', (route) =>
      route.fulfill({ status, contentType: 'application/json', body: JSON.stringify({ message }) }),
    );
    await page().goto(`${stack.url}/account`);
    await page().getByText('StreamSync does not answer.').first().waitFor();
    await page().unroute('**/api/v1/me');
    await page().getByRole('button', { name: 'Try again' }).first().click();
    await page().getByText('StreamSync does not answer.').first().waitFor({ state: 'detached' });
  },
);

test('the page shows that StreamSync does not answer after 20 s of failed polls, until one succeeds', async () => {
  await page().clock.install();
  await signIn(page());
  await page().waitForLoadState('networkidle');
  await page().route('**/api/v1/**', (route) => route.abort());
  const banner = page().getByText(
    /^StreamSync does not answer\. Showing data from \d\d:\d\d UTC\.$/,
  );
  await waitFor('the banner appears', async () => {
    await page().clock.runFor(16_000);
    return (await banner.count()) > 0 ? true : undefined;
  });
  await page().unroute('**/api/v1/**');
  await page().getByRole('button', { name: 'Try again' }).first().click();
  await banner.waitFor({ state: 'hidden' });
});
