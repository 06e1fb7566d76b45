import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

export type Theme = 'light' | 'dark';

/**
 * Returns the violations that axe finds in a page, or in one element of it, short enough for a report. The dark theme
 * changes only colours, so only colour rules are checked in it.
 */
export async function violations(
  page: Page,
  { theme = 'light', within = 'body' }: { theme?: Theme; within?: 'body' | 'dialog' | 'form' } = {},
): Promise<string[]> {
  // The browser does not lay out rows outside the window, and axe would find their texts over each other; in a transition
  // it would find colours of neither theme. A constructed style sheet, because the page forbids inline ones.
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      '* { content-visibility: visible !important; transition: none !important; animation: none !important }',
    );
    document.adoptedStyleSheets.push(sheet);
  });
  // Legacy mode: a page without frames needs no additional page of axe to merge results.
  const axe = new AxeBuilder({ page }).include(within).setLegacyMode();
  if (theme === 'dark') axe.withTags(['cat.color']);
  const { violations: foundViolations } = await axe.analyze();
  return foundViolations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`,
  );
}
