import type { Locator } from 'playwright-core';
import { waitFor } from './wait-for.ts';

/** Waits until an element has the focus: after a press the page may move it a moment later. */
export const waitForFocus = (element: Locator): Promise<true> =>
  waitFor('the element has the focus', () =>
    element.evaluate((node): true | undefined =>
      node === document.activeElement ? true : undefined,
    ),
  );
