import { type Browser, chromium, type Page } from 'playwright-core';
import { findTools, firstFitting, type Tool } from '../../infra/local/tools.ts';
import { credentials, stack } from './stack.ts';

const chromiumTool: Tool = {
  what: 'Chromium, for the tests of the page',
  apt: ['chromium'],
  brew: ['chromium'],
  find: (look) =>
    firstFitting(
      look,
      ['/usr/bin/chromium', 'chromium', 'chromium-browser', 'google-chrome'],
      ['--version', '--no-sandbox'],
      (answer) => /Chrom/.test(answer),
    ),
};

/** The system's Chromium, installed where the bootstrap may install; it calls nobody but our page. */
export async function launchBrowser(): Promise<Browser> {
  const path = await findTools([chromiumTool], {
    environment: process.env,
    cwd: process.cwd(),
    signal: AbortSignal.timeout(10 * 60_000),
    report: (text) => console.info(text),
  });
  return chromium.launch({
    executablePath: path(chromiumTool),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Fills in the sign-in page as the demo analyst. */
export async function signIn(page: Page): Promise<void> {
  await page.goto(stack.url);
  await page.getByLabel('Email').fill(credentials.demo.email);
  await page.getByLabel('Password', { exact: true }).fill(credentials.demo.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Exports', level: 1 }).waitFor();
}

/** Chooses an entry of a combobox by typing its name. */
export async function choose(page: Page, label: string, name: string): Promise<void> {
  const field = page.getByRole('combobox', { name: label, exact: true });
  await field.fill(name);
  await page
    .getByRole('option', { name: new RegExp(`^${name}\\b`) })
    .first()
    .click();
}
