import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import { rowId } from './export-table.tsx';
import { useExportsPageState } from './page-state.tsx';
import type { Tracked } from './tracked.ts';

/**
 * Keeps focus in the list: it goes to a row that was asked for, and when the row that had it leaves,
 * to the next one.
 */
export function useRowFocus(rows: readonly Tracked[] | undefined): RefObject<HTMLDivElement | null> {
  const container = useRef<HTMLDivElement>(null);
  const focused = useRef<string | null>(null);
  const before = useRef<string[]>([]);
  const { rowToFocus, focusRow } = useExportsPageState();
  const ids = rows?.map(({ document }) => document.id) ?? [];
  const shown = ids.join();

  useEffect(() => {
    const onFocus = (event: FocusEvent): void => {
      const row =
        event.target instanceof Element ? event.target.closest('[role="row"][id]') : null;
      // Focus in a dialog or menu of a row still belongs to the row.
      if (row) focused.current = row.id;
      else if (container.current?.contains(document.activeElement)) focused.current = null;
    };
    document.addEventListener('focusin', onFocus);
    return () => document.removeEventListener('focusin', onFocus);
  }, []);

  useLayoutEffect(() => {
    const left = before.current.findIndex((id) => rowId(id) === focused.current);
    if (left !== -1 && document.activeElement === document.body && !ids.includes(before.current[left] ?? '')) {
      const next =
        before.current.slice(left).find((id) => ids.includes(id)) ??
        before.current.slice(0, left).findLast((id) => ids.includes(id));
      const heading = document.querySelector<HTMLElement>('h1');
      (next === undefined ? heading : document.getElementById(rowId(next)))?.focus();
    }
    before.current = ids;
  }, [shown]);

  useEffect(() => {
    if (rowToFocus === null || !ids.includes(rowToFocus)) return;
    const row = document.getElementById(rowId(rowToFocus));
    row?.focus();
    row?.scrollIntoView({ block: 'nearest' });
    focusRow(null);
  }, [rowToFocus, shown]);

  return container;
}
