import { type Browser, chromium, type Page } from 'playwright-core';
import { findTools, firstCompatible, type Tool } from '../../infra/local/install/system-tools.ts';
import { waitFor } from './wait-for.ts';

const chromiumTool: Tool = {
  what: 'Chromium, for the tests of the page',
  apt: ['chromium'],
  brew: ['chromium'],
  find: (look) =>
    firstCompatible(
      look,
      ['/usr/bin/chromium', 'chromium', 'chromium-browser', 'google-chrome'],
      ['--version', '--no-sandbox'],
      (answer) => /Chrom/.test(answer),
    ),
};

/** Returns the path of the system's Chromium; installs it where the bootstrap may install packages. */
export async function findChromium(): Promise<string> {
  const path = await findTools([chromiumTool], {
    environment: process.env,
    cwd: process.cwd(),
    signal: AbortSignal.timeout(10 * 60_000),
    report: (text) => console.info(text),
  });
  return path(chromiumTool);
}

/** Stops Chromium from calling any other host than the page's. */
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

/**
 * Selects an option of a combobox by its full name. Retries, because the next reload of the options may bring the
 * option.
 */
export async function selectOption(page: Page, label: string, name: string): Promise<void> {
  const field = page.getByRole('combobox', { name: label, exact: true });
  await waitFor(`${name} is chosen`, async () => {
    await field.fill(name);
    await field.press('Tab');
    // The combobox clears a value that is not an option.
    return (await field.inputValue()) === name ? true : undefined;
  });
}
