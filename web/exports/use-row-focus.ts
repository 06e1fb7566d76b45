import { useEffect, useEffectEvent, useLayoutEffect, useRef } from 'react';
import { NavigationType, useNavigationType } from 'react-router';
import { rowId } from './labels.ts';
import { useExportsPageState } from './page-state.tsx';
import type { PollingState } from './polling-state.ts';

/**
 * Keeps the focus in the list. It moves to a requested row, on the way back from the page of an export to its row, and
 * to the next row when the focused row leaves the list.
 */
export function useRowFocus(rows: readonly PollingState[] | undefined): void {
  const focusedRowId = useRef<string | null>(null);
  const previousIds = useRef<readonly string[]>([]);
  const { rowToFocus, focusRow, takeVisited } = useExportsPageState();
  const navigationType = useNavigationType();
  const visibleIds = rows?.map(({ document: { id } }) => id).join(' ') ?? '';

  useEffect(() => {
    const onFocus = ({ target }: FocusEvent): void => {
      const row = target instanceof Element ? target.closest('[role="row"][id]') : null;
      // A menu is drawn outside the row and still belongs to it.
      if (row) focusedRowId.current = row.id;
      else if (target instanceof Element && !target.closest('[role="menu"]'))
        focusedRowId.current = null;
    };
    document.addEventListener('focusin', onFocus);
    return () => document.removeEventListener('focusin', onFocus);
  }, []);

  useLayoutEffect(() => {
    const ids = visibleIds.split(' ');
    const index = previousIds.current.findIndex((id) => rowId(id) === focusedRowId.current);
    const hasLeft = index !== -1 && !ids.includes(previousIds.current[index] ?? '');
    if (hasLeft && document.activeElement === document.body) {
      const stays = (id: string): boolean => ids.includes(id);
      const next =
        previousIds.current.slice(index).find(stays) ??
        previousIds.current.slice(0, index).findLast(stays);
      const heading = document.querySelector<HTMLElement>('h1');
      (next === undefined ? heading : document.getElementById(rowId(next)))?.focus();
    }
    previousIds.current = ids;
  }, [visibleIds]);

  const tryFocus = useEffectEvent((id: string): boolean => {
    const row = document.getElementById(rowId(id));
    row?.focus();
    return row !== null;
  });

  useEffect(() => {
    if (rowToFocus !== null && visibleIds.includes(rowToFocus) && tryFocus(rowToFocus))
      focusRow(null);
  }, [rowToFocus, visibleIds, focusRow]);

  useEffect(() => {
    const id = visibleIds === '' ? null : takeVisited();
    if (id !== null && navigationType === NavigationType.Pop) tryFocus(id);
  }, [visibleIds, navigationType, takeVisited]);
}
