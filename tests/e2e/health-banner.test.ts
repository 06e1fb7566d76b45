import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Theme, violations } from '../stack/axe.ts';
import { signIn, usePages } from '../stack/browser.ts';
import { sql, stack } from '../stack/stack.ts';
import { until } from '../stack/until.ts';

const { page, another } = usePages();

const closed = (slots: number) =>
  sql(
    stack.postgres.catalogue,
    `update slots set closed_offset = 9000000000,
       closed_until = case when partition < $1 then now() + interval '10 minutes' end`,
    [slots],
  );
const setAside = (text: string) => sql(stack.postgres.catalogue, text);

// What other suites have put aside is told of for a while: here it is of long ago.
beforeAll(async () => {
  await setAside(
    `update outbox set created_at = created_at - interval '1 hour' where topic like '%.dlq'`,
  );
  await setAside(
    `update outbox set failed_at = failed_at - interval '2 hours' where failed_at is not null`,
  );
});
afterEach(async () => {
  await closed(0);
  await setAside(`delete from outbox where topic = 'nowhere'`);
});

const late =
  /Some things do not work as usual\. Exports may start later than usual\. None is lost\./;

test('the page says when something stands still, once, and again for another reason', async () => {
  await closed(3);
  // What is asked every minute is asked at once when the clock is turned.
  await page().clock.install();
  await signIn(page());
  const banner = page().getByRole('status').filter({ hasText: 'do not work as usual' });
  await banner.filter({ hasText: late }).waitFor();

  await banner.getByRole('button', { name: 'Dismiss' }).click();
  await banner.waitFor({ state: 'hidden' });
  const asked = page().waitForResponse('**/api/v1/health');
  await page().clock.runFor(61_000);
  await asked;
  expect(await banner.count()).toBe(0);

  await setAside(
    `insert into outbox (event_id, topic, failed_at) values (gen_random_uuid(), 'nowhere', now())`,
  );
  // Answers are kept for two seconds: the next one may be of before.
  await until('the banner is back', async () => {
    await page().clock.runFor(61_000);
    return (await banner.count()) > 0 ? true : undefined;
  });
  await banner.filter({ hasText: 'could not be delivered' }).waitFor();
});

test.each<Theme>(['light', 'dark'])('axe finds nothing wrong with it, %s', async (theme) => {
  await closed(3);
  const here = await another({ colorScheme: theme });
  await signIn(here);
  await here.getByText(late).waitFor();
  expect(await violations(here, { theme })).toEqual([]);
});

test('of a stack that is well it says nothing', async () => {
  const asked = page().waitForResponse('**/api/v1/health');
  await signIn(page());
  await asked;
  expect(await page().getByText('do not work as usual').count()).toBe(0);
});
