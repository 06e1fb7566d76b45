import { createContext, type ReactNode, useContext, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { resolveZone, zoneChoice } from '../time/zone.ts';
import { newKey } from '../ui/key.ts';
import { type Draft, draftOf, emptyDraft, type FormError } from './draft.ts';
import { lastChoices } from './last-choices.ts';
import { readLink } from './link.ts';

interface DraftState {
  draft: Draft;
  /** The Idempotency-Key: however often this draft is sent, one export comes of it. */
  key: string;
  /** Of the address the draft was read from and is as it was; null where there is none. */
  linkErrors: readonly FormError[] | null;
  change: (part: Partial<Draft>) => void;
  /** Fills the form with a request made before. */
  duplicate: (request: ExportRequest) => void;
  /** After success: the next press, even with the same choices, is another export. */
  renewKey: () => void;
}

const Context = createContext<DraftState | null>(null);

/** Holds the draft above the pages, so that it outlasts going to an export and back. */
export function DraftProvider({ children }: { children: ReactNode }): ReactNode {
  const [query] = useSearchParams();
  const [state, setState] = useState(() => ({ ...firstDraft(query), key: newKey() }));
  const value = useMemo(
    (): DraftState => ({
      ...state,
      change: (part) =>
        setState(({ draft }) => ({
          draft: { ...draft, ...part },
          linkErrors: null,
          key: newKey(),
        })),
      duplicate: (request) =>
        setState({
          draft: draftOf(request, resolveZone(zoneChoice.get())),
          linkErrors: null,
          key: newKey(),
        }),
      renewKey: () => setState((before) => ({ ...before, linkErrors: null, key: newKey() })),
    }),
    [state],
  );
  return <Context value={value}>{children}</Context>;
}

export function useDraft(): DraftState {
  const state = useContext(Context);
  if (!state) throw new Error('Outside of the exports pages');
  return state;
}

function firstDraft(query: URLSearchParams): Pick<DraftState, 'draft' | 'linkErrors'> {
  const base: Draft = { ...emptyDraft, ...lastChoices.get() };
  const link = readLink(query, base, resolveZone(zoneChoice.get()));
  return link ? { draft: link.draft, linkErrors: link.errors } : { draft: base, linkErrors: null };
}
