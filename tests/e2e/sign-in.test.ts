import { expect, test } from '@jest/globals';
import { newAccount } from '../stack/accounts.ts';
import { usePages } from '../stack/browser.ts';
import { rawCall } from '../stack/raw-call.ts';
import { stack } from '../stack/stack.ts';

const { page } = usePages();

test('after too many tries the page says how long to wait, and keeps what was entered', async () => {
  const { email, password } = await newAccount();
  for (let n = 0; n < 10; n++) {
    const body = { email, password: 'wrong' };
    const { status } = await rawCall({
      method: 'POST',
      path: '/sessions',
      from: '127.8.0.1',
      body,
    });
    expect(status).toBe(401);
  }
  await page().goto(stack.url);
  await page().getByLabel('Email').fill(email);
  await page().getByLabel('Password', { exact: true }).fill(password);
  await page().getByRole('button', { name: 'Sign in' }).click();
  const told = page().getByText(/^Too many tries\. Wait \d+ seconds\.$/);
  await told.waitFor();
  const seconds = Number(/\d+/.exec((await told.textContent()) ?? '')?.[0]);
  expect(seconds).toBeGreaterThan(13 * 60);
  expect(seconds).toBeLessThanOrEqual(15 * 60);
  expect(await page().getByLabel('Email').inputValue()).toBe(email);
  await page().getByRole('button', { name: 'Try again' }).waitFor();
});
