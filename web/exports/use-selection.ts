import { useRef, useState } from 'react';

/** The exports that are selected for an action on all of them. */
export interface Selection {
  has: (id: string) => boolean;
  /** Selects these exports and no others. */
  set: (ids: readonly string[]) => void;
  /** With `isRange` all exports between the last one toggled and this one. */
  toggle: (id: string, isSelected: boolean, isRange: boolean) => void;
}

/** Returns the selection among the listed exports. An export that leaves the list leaves the selection. */
export function useSelection(listed: readonly string[]): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const last = useRef<string | null>(null);
  return {
    has: (id) => chosen.has(id) && listed.includes(id),
    set: (ids) => setChosen(new Set(ids)),
    toggle: (id, isSelected, isRange) => {
      const [start, end] = [listed.indexOf(last.current ?? id), listed.indexOf(id)].toSorted(
        (a, b) => a - b,
      );
      const toggled =
        isRange && start !== undefined && start >= 0 ? listed.slice(start, (end ?? 0) + 1) : [id];
      const next = new Set(chosen);
      for (const each of toggled)
        if (isSelected) next.add(each);
        else next.delete(each);
      last.current = id;
      setChosen(next);
    },
  };
}
