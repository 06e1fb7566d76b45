import { createContext, type ReactNode, Suspense, use, useContext, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { resolveZone, zoneChoice } from '../time/zone.ts';
import { newKey } from '../ui/key.ts';
import { type Draft, draftOf, emptyDraft, type FormError } from './draft.ts';
import { lastChoices } from './last-choices.ts';
import { isLink } from './link-fields.ts';

interface DraftState {
  draft: Draft;
  /** The Idempotency-Key: however often this draft is sent, one export comes of it. */
  key: string;
  /** Of the address the draft was read from, until it is changed or sent; null where there is none. */
  linkErrors: readonly FormError[] | null;
  closeLink: () => void;
  change: (part: Partial<Draft>) => void;
  /** Fills the form with a request made before. */
  duplicate: (request: ExportRequest) => void;
  /** After success: the next press, even with the same choices, is another export. */
  renewKey: () => void;
}

const Context = createContext<DraftState | null>(null);

type First = Pick<DraftState, 'draft' | 'linkErrors'>;

const rememberedDraft = (): Draft => ({ ...emptyDraft, ...lastChoices.get() });

/** Holds the draft above the pages, so that it outlasts going to an export and back. */
export function DraftProvider({ children }: { children: ReactNode }): ReactNode {
  const [query] = useSearchParams();
  // What reads a link is loaded for those who come by one.
  const [reading] = useState(() => (isLink(query) ? readingOf(query) : null));
  const [remembered] = useState((): First => ({ draft: rememberedDraft(), linkErrors: null }));
  return reading === null ? (
    <DraftHolder first={remembered}>{children}</DraftHolder>
  ) : (
    <Suspense>
      <LinkedDraft reading={reading}>{children}</LinkedDraft>
    </Suspense>
  );
}

const readingOf = async (query: URLSearchParams): Promise<First> => {
  const { readLink } = await import('./link.ts');
  return readLink(query, rememberedDraft(), resolveZone(zoneChoice.get()));
};

function LinkedDraft({
  reading,
  children,
}: {
  reading: Promise<First>;
  children: ReactNode;
}): ReactNode {
  return <DraftHolder first={use(reading)}>{children}</DraftHolder>;
}

function DraftHolder({ first, children }: { first: First; children: ReactNode }): ReactNode {
  const [state, setState] = useState(() => ({ ...first, key: newKey() }));
  const value = useMemo(
    (): DraftState => ({
      ...state,
      change: (part) =>
        setState(({ draft }) => ({
          draft: { ...draft, ...part },
          linkErrors: null,
          key: newKey(),
        })),
      closeLink: () => setState((before) => ({ ...before, linkErrors: null })),
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
