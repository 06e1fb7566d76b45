import type { Locator, Page } from 'playwright-core';

interface Effort {
  clicks: number;
  keys: number;
}

/** Counts the presses and the keys of a user on a page from now on. */
export async function countEffort(page: Page): Promise<{
  effort: () => Promise<Effort>;
  /** Chooses in a list that the browser draws: one press opens it, one chooses. */
  pick: (list: Locator, label: string) => Promise<void>;
}> {
  let picked = 0;
  await page.evaluate(() => {
    const counted = { clicks: 0, keys: 0 };
    Object.assign(window, { counted });
    addEventListener('pointerdown', () => counted.clicks++, { capture: true });
    addEventListener('keydown', () => counted.keys++, { capture: true });
  });
  return {
    effort: async () => {
      const { clicks, keys } = await page.evaluate((): Effort => Reflect.get(window, 'counted'));
      return { clicks: clicks + 2 * picked, keys };
    },
    pick: async (list, label) => {
      picked++;
      await list.selectOption(label);
    },
  };
}

export function reportEffort(task: string, { clicks, keys }: Effort): void {
  console.info(`${task}: ${clicks} presses, ${keys} keys`);
}
