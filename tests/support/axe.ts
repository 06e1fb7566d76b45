import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

export type Theme = 'light' | 'dark';

/**
 * What axe has to say of the page, or of a part of it, short enough to read in a report. A theme changes colours
 * alone: the dark one is asked for those.
 */
export async function violations(
  of: Page,
  { theme = 'light', within = 'body' }: { theme?: Theme; within?: 'body' | 'dialog' | 'form' } = {},
): Promise<string[]> {
  // Without frames there is nothing to put together in a page of axe's own.
  const axe = new AxeBuilder({ page: of }).include(within).setLegacyMode();
  if (theme === 'dark') axe.withTags(['cat.color']);
  const { violations: found } = await axe.analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
