import type { Page } from 'playwright-core';
import { waitFor } from './wait-for.ts';

/**
 * Waits until a page is no wider than its window. It may be wider for a moment, after the window has become smaller or while
 * a dialog closes.
 */
export const fitsWindow = (page: Page, what = 'the page'): Promise<true> =>
  waitFor(
    `${what} is no wider than its window`,
    async () => {
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      return overflow === 0 ? true : undefined;
    },
    { seconds: 5 },
  );
