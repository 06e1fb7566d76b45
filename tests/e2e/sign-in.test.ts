import { expect, test } from '@jest/globals';
import { newAccount } from '../support/accounts.ts';
import { useBrowser } from '../support/browser.ts';
import { rawCall } from '../support/raw-call.ts';
import { stack } from '../support/stack.ts';

const { page } = useBrowser();

test('the sign-in page shows how long to wait after ten failed attempts, and keeps the email', async () => {
  const { email, password } = await newAccount();
  for (let attempt = 0; attempt < 10; attempt++) {
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
  const message = page().getByText(/^Too many tries\. Wait \d+ seconds\.$/);
  await message.waitFor();
  const seconds = Number(/\d+/.exec((await message.textContent()) ?? '')?.[0]);
  expect(seconds).toBeGreaterThan(13 * 60);
  expect(seconds).toBeLessThanOrEqual(15 * 60);
  expect(await page().getByLabel('Email').inputValue()).toBe(email);
  await page().getByRole('button', { name: 'Try again' }).waitFor();
});
