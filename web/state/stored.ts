import { useSyncExternalStore } from 'react';

export interface Stored<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

/**
 * A value kept in web storage as JSON. `read` turns what is found (anything, or null when absent)
 * into a value that can be used. Storage that is full or switched off costs only the remembering.
 */
export function stored<T>(storage: Storage, key: string, read: (found: unknown) => T): Stored<T> {
  const listeners = new Set<() => void>();
  let current: T = read(load(storage, key));
  return {
    get: () => current,
    set(value) {
      current = value;
      try {
        if (value === null) storage.removeItem(key);
        else storage.setItem(key, JSON.stringify(value));
      } catch {
        // The value lasts as long as the page.
      }
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function load(storage: Storage, key: string): unknown {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

export function useStored<T>(value: Stored<T>): T {
  return useSyncExternalStore(value.subscribe, value.get);
}
