import { type ReactNode, useSyncExternalStore } from 'react';

/**
 * The page has one live region. It announces results, never progress. Results with the same name within 2 s become one
 * sentence: "4 exports ready".
 */
const mergeMs = 2_000;

interface Announcement {
  sentence: string;
  /** The sentence for several announcements of the same name; without it the last sentence is announced at once. */
  several?: (count: number) => string;
}

const waiting = new Map<string, { count: number; announcement: Announcement }>();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
let announced = '';

export function announce(name: string, announcement: Announcement): void {
  const count = (waiting.get(name)?.count ?? 0) + 1;
  waiting.set(name, { count, announcement });
  // The result of a press is announced at once; results that come by themselves may be merged.
  if (!announcement.several) flush();
  else timer ??= setTimeout(flush, mergeMs);
}

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const sentences = [...waiting.values()].map(({ count, announcement }) =>
    count > 1 && announcement.several ? announcement.several(count) : announcement.sentence,
  );
  waiting.clear();
  const text = sentences.join('. ');
  // Screen readers do not read an unchanged text again. A trailing space changes it and is not read.
  announced = text === announced ? `${text} ` : text;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Announcer(): ReactNode {
  const text = useSyncExternalStore(subscribe, () => announced);
  return (
    <div role="status" className="sr-only">
      {text}
    </div>
  );
}
