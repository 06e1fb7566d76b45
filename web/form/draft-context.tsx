import { createContext, type ReactNode, Suspense, use, useContext, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { resolveZone, zoneChoice } from '../time/zone.ts';
import { randomKey } from '../ui/idempotency-key.ts';
import { type Draft, draftOf, emptyDraft, type FormError } from './draft.ts';
import { lastChoices } from './last-choices.ts';
import { isLink } from './link-fields.ts';

interface DraftState {
  draft: Draft;
  /** The Idempotency-Key: a draft that is sent several times creates one export. */
  key: string;
  /** Errors of the link that filled the form, until the draft is changed or sent; null without a link. */
  linkErrors: readonly FormError[] | null;
  closeLink: () => void;
  change: (patch: Partial<Draft>) => void;
  /** Fills the form with an earlier request. */
  duplicate: (request: ExportRequest) => void;
  /** Called after success, so that the next press creates another export even with the same choices. */
  renewKey: () => void;
}

const Context = createContext<DraftState | null>(null);

type InitialState = Pick<DraftState, 'draft' | 'linkErrors'>;

const rememberedDraft = (): Draft => ({ ...emptyDraft, ...lastChoices.get() });

/** Holds the draft above the pages, so that it is kept while the user visits an export and comes back. */
export function DraftProvider({ children }: { children: ReactNode }): ReactNode {
  const [query] = useSearchParams();
  // The code that reads a link is loaded only if the page was opened by one.
  const [linkState] = useState(() => (isLink(query) ? loadLink(query) : null));
  const [remembered] = useState(
    (): InitialState => ({ draft: rememberedDraft(), linkErrors: null }),
  );
  return linkState === null ? (
    <DraftHolder initial={remembered}>{children}</DraftHolder>
  ) : (
    <Suspense>
      <LinkedDraft linkState={linkState}>{children}</LinkedDraft>
    </Suspense>
  );
}

const loadLink = async (query: URLSearchParams): Promise<InitialState> => {
  const { readLink } = await import('./link.ts');
  return readLink(query, rememberedDraft(), resolveZone(zoneChoice.get()));
};

function LinkedDraft({
  linkState,
  children,
}: {
  linkState: Promise<InitialState>;
  children: ReactNode;
}): ReactNode {
  return <DraftHolder initial={use(linkState)}>{children}</DraftHolder>;
}

function DraftHolder({
  initial,
  children,
}: {
  initial: InitialState;
  children: ReactNode;
}): ReactNode {
  const [state, setState] = useState(() => ({ ...initial, key: randomKey() }));
  const value = useMemo(
    (): DraftState => ({
      ...state,
      change: (patch) =>
        setState(({ draft }) => ({
          draft: { ...draft, ...patch },
          linkErrors: null,
          key: randomKey(),
        })),
      closeLink: () => setState((before) => ({ ...before, linkErrors: null })),
      duplicate: (request) =>
        setState({
          draft: draftOf(request, resolveZone(zoneChoice.get())),
          linkErrors: null,
          key: randomKey(),
        }),
      renewKey: () => setState((before) => ({ ...before, linkErrors: null, key: randomKey() })),
    }),
    [state],
  );
  return <Context value={value}>{children}</Context>;
}

export function useDraft(): DraftState {
  const state = useContext(Context);
  if (!state) throw new Error('useDraft was called outside DraftProvider');
  return state;
}
