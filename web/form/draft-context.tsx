import {
  createContext,
  type ReactNode,
  Suspense,
  use,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react';
import { useSearchParams } from 'react-router';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { resolveZone, zoneChoice } from '../time/zone.ts';
import { randomKey } from '../ui/idempotency-key.ts';
import { type Draft, draftOf, emptyDraft, type FormError } from './draft.ts';
import { type DraftInTab, draftInTab } from './draft-in-tab.ts';
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

type InitialState = Pick<DraftState, 'draft' | 'linkErrors' | 'key'>;

const rememberedDraft = (): Draft => ({ ...emptyDraft, ...lastChoices.get() });

/** Holds the draft above the pages, so that it is kept while the user visits an export and comes back. */
export function DraftProvider({ children }: { children: ReactNode }): ReactNode {
  const [query] = useSearchParams();
  // The code that reads a link or a saved draft is loaded only if there is one.
  const [loading] = useState(() => {
    const saved = draftInTab.get();
    if (isLink(query) && !(saved !== null && isReloaded())) return loadLink(query);
    return saved === null ? null : loadSaved(saved);
  });
  const [remembered] = useState(newState);
  return loading === null ? (
    <DraftHolder initial={remembered}>{children}</DraftHolder>
  ) : (
    <Suspense>
      <LoadedDraft loading={loading}>{children}</LoadedDraft>
    </Suspense>
  );
}

const newState = (): InitialState => ({
  draft: rememberedDraft(),
  linkErrors: null,
  key: randomKey(),
});

const loadLink = async (query: URLSearchParams): Promise<InitialState> => {
  const { readLink } = await import('./link.ts');
  const link = readLink(query, rememberedDraft(), resolveZone(zoneChoice.get()));
  return { ...link, key: randomKey() };
};

/** Whether the page of this address was loaded again: its link then must not undo what was changed since. */
function isReloaded(): boolean {
  const [entry] = performance.getEntriesByType('navigation');
  return (
    entry instanceof PerformanceNavigationTiming &&
    entry.type === 'reload' &&
    entry.name === location.href
  );
}

const loadSaved = async ({ draft, key }: DraftInTab): Promise<InitialState> => {
  const { readSavedDraft } = await import('./saved-draft.ts');
  const saved = readSavedDraft(draft);
  return saved ? { draft: saved, linkErrors: null, key } : newState();
};

function LoadedDraft({
  loading,
  children,
}: {
  loading: Promise<InitialState>;
  children: ReactNode;
}): ReactNode {
  return <DraftHolder initial={use(loading)}>{children}</DraftHolder>;
}

function DraftHolder({
  initial,
  children,
}: {
  initial: InitialState;
  children: ReactNode;
}): ReactNode {
  const [state, setState] = useState(initial);
  useEffect(() => {
    if (state !== initial) draftInTab.set({ draft: state.draft, key: state.key });
  }, [state, initial]);
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
