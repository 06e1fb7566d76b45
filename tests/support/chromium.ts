import { type Browser, chromium, type Page } from 'playwright-core';
import { findTools, firstFitting, type Tool } from '../../infra/local/tools.ts';
import { until } from './until.ts';

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

/** The system's Chromium, installed where the bootstrap may install. */
export async function findChromium(): Promise<string> {
  const path = await findTools([chromiumTool], {
    environment: process.env,
    cwd: process.cwd(),
    signal: AbortSignal.timeout(10 * 60_000),
    report: (text) => console.info(text),
  });
  return path(chromiumTool);
}

/** So that it calls nobody but our page. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launchBrowser = async (): Promise<Browser> =>
  chromium.launch({ executablePath: await findChromium(), args: chromiumArguments });

/** Chooses an entry of a combobox by its whole name; it may only come with the next look at what there is. */
export async function choose(page: Page, label: string, name: string): Promise<void> {
  const field = page.getByRole('combobox', { name: label, exact: true });
  await until(`${name} is chosen`, async () => {
    await field.fill(name);
    await field.press('Tab');
    // What is no entry is taken away again.
    return (await field.inputValue()) === name ? true : undefined;
  });
}
