import { useEffect, useEffectEvent, useLayoutEffect, useRef } from 'react';
import { NavigationType, useNavigationType } from 'react-router';
import { rowId } from './names.ts';
import { useExportsPageState } from './page-state.tsx';
import type { Tracked } from './tracked.ts';

/**
 * Keeps focus in the list: it goes to a row that was asked for, to the row that was left for its own
 * page, and when the row that had it leaves, to the next one.
 */
export function useRowFocus(rows: readonly Tracked[] | undefined): void {
  const focused = useRef<string | null>(null);
  const before = useRef<readonly string[]>([]);
  const { rowToFocus, focusRow, takeVisited } = useExportsPageState();
  const how = useNavigationType();
  const shown = rows?.map(({ document: { id } }) => id).join(' ') ?? '';

  useEffect(() => {
    const onFocus = ({ target }: FocusEvent): void => {
      const row = target instanceof Element ? target.closest('[role="row"][id]') : null;
      // Menus are drawn elsewhere and still belong to the row they were opened from.
      if (row) focused.current = row.id;
      else if (target instanceof Element && !target.closest('[role="menu"]'))
        focused.current = null;
    };
    document.addEventListener('focusin', onFocus);
    return () => document.removeEventListener('focusin', onFocus);
  }, []);

  useLayoutEffect(() => {
    const ids = shown.split(' ');
    const left = before.current.findIndex((id) => rowId(id) === focused.current);
    const hasLeft = left !== -1 && !ids.includes(before.current[left] ?? '');
    if (hasLeft && document.activeElement === document.body) {
      const stays = (id: string): boolean => ids.includes(id);
      const next =
        before.current.slice(left).find(stays) ?? before.current.slice(0, left).findLast(stays);
      const heading = document.querySelector<HTMLElement>('h1');
      (next === undefined ? heading : document.getElementById(rowId(next)))?.focus();
    }
    before.current = ids;
  }, [shown]);

  const focusWanted = useEffectEvent((id: string): boolean => {
    const row = document.getElementById(rowId(id));
    row?.focus();
    return row !== null;
  });

  useEffect(() => {
    if (rowToFocus !== null && shown.includes(rowToFocus) && focusWanted(rowToFocus))
      focusRow(null);
  }, [rowToFocus, shown, focusRow]);

  useEffect(() => {
    const id = shown === '' ? null : takeVisited();
    if (id !== null && how === NavigationType.Pop) focusWanted(id);
  }, [shown, how, takeVisited]);
}
