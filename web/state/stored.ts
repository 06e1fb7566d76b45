import { useSyncExternalStore } from 'react';

export interface Stored<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

/**
 * Returns a value that is kept in web storage as JSON. `parse` returns a valid value for any saved one, which is null
 * if it is missing. If the storage is full or switched off, the value lasts as long as the page.
 */
export function stored<T>(storage: Storage, key: string, parse: (saved: unknown) => T): Stored<T> {
  const listeners = new Set<() => void>();
  let current: T = parse(load(storage, key));
  return {
    get: () => current,
    set(value) {
      current = value;
      try {
        if (value === null) storage.removeItem(key);
        else storage.setItem(key, JSON.stringify(value));
      } catch {
        // The storage is full or switched off.
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
