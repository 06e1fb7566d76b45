import { getSession } from '../session/session.ts';
import { stored } from '../state/stored.ts';

/** The draft and its Idempotency-Key as this tab keeps them over a reload. The draft is unchecked. */
export interface DraftInTab {
  draft: unknown;
  key: string;
}

const inTab = stored(sessionStorage, 'streamsync.draft', (saved) => {
  const fields = new Map<string, unknown>(Object.entries(saved ?? {}));
  const [owner, key] = [fields.get('owner'), fields.get('key')];
  return typeof owner === 'string' && typeof key === 'string'
    ? { owner, key, draft: fields.get('draft') }
    : null;
});

const currentOwner = (): string | null => {
  const session = getSession();
  return session.status === 'signed-out' ? null : session.session.email;
};

/** The draft of the account that is signed in; that of another account is dropped. */
export const draftInTab = {
  get(): DraftInTab | null {
    const saved = inTab.get();
    if (saved === null || saved.owner === currentOwner()) return saved;
    inTab.set(null);
    return null;
  },
  set(saved: DraftInTab): void {
    const owner = currentOwner();
    if (owner !== null) inTab.set({ owner, ...saved });
  },
};
