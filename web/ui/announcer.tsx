import { type ReactNode, useSyncExternalStore } from 'react';

/**
 * The one live region of the page. It says outcomes, never progress; outcomes of one kind within
 * two seconds become one sentence: "4 exports ready".
 */
const mergeMs = 2_000;

interface Kind {
  sentence: string;
  /** The sentence for several of the kind; without it the last sentence is said. */
  several?: (count: number) => string;
}

const waiting = new Map<string, { count: number; kind: Kind }>();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
let said = '';

export function announce(name: string, kind: Kind): void {
  const count = (waiting.get(name)?.count ?? 0) + 1;
  waiting.set(name, { count, kind });
  // What the user just did is answered at once, what happens by itself may be joined by more.
  if (!kind.several) flush();
  else timer ??= setTimeout(flush, mergeMs);
}

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const sentences = [...waiting.values()].map(({ count, kind }) =>
    count > 1 && kind.several ? kind.several(count) : kind.sentence,
  );
  waiting.clear();
  const text = sentences.join('. ');
  // A text that does not change is not read again; a trailing space is not read either.
  said = text === said ? `${text} ` : text;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Announcer(): ReactNode {
  const text = useSyncExternalStore(subscribe, () => said);
  return (
    <div role="status" className="sr-only">
      {text}
    </div>
  );
}
