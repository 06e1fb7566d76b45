import { createContext, type ReactNode, useContext, useMemo, useRef, useState } from 'react';

/** The result of the last action on a row. It is shown in the row until the next action. */
interface RowNote {
  tone: 'plain' | 'danger';
  text: string;
  reference: string | null;
}

export interface ExportsPageState {
  notes: ReadonlyMap<string, RowNote>;
  setNote: (id: string, note: RowNote | null) => void;
  /** The export whose row takes the focus as soon as it is in the list. */
  rowToFocus: string | null;
  focusRow: (id: string | null) => void;
  /** Stores the export whose page was visited; on the way back its row takes the focus. */
  setVisited: (id: string) => void;
  /** Returns the visited export once, then null. */
  takeVisited: () => string | null;
}

const Context = createContext<ExportsPageState | null>(null);

export function ExportsPageStateProvider({ children }: { children: ReactNode }): ReactNode {
  const [notes, setNotes] = useState<ReadonlyMap<string, RowNote>>(new Map());
  const [rowToFocus, focusRow] = useState<string | null>(null);
  const visited = useRef<string | null>(null);
  const state = useMemo(
    (): ExportsPageState => ({
      notes,
      setNote: (id, note) =>
        setNotes((before) => {
          const after = new Map(before);
          if (note) after.set(id, note);
          else after.delete(id);
          return after;
        }),
      rowToFocus,
      focusRow,
      setVisited: (id) => {
        visited.current = id;
      },
      takeVisited: () => {
        const id = visited.current;
        visited.current = null;
        return id;
      },
    }),
    [notes, rowToFocus],
  );
  return <Context value={state}>{children}</Context>;
}

export function useExportsPageState(): ExportsPageState {
  const state = useContext(Context);
  if (!state) throw new Error('useExportsPageState was called outside ExportsPageStateProvider');
  return state;
}
