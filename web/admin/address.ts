import { useSearchParams } from 'react-router';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { Sort } from '../ui/list-table.tsx';

type Values<Name extends string> = Record<Name, string>;

/** Returns parameters of the address, empty where they are absent, and a function that changes them. */
export function useAddress<Name extends string>(
  names: readonly Name[],
): [(name: Name) => string, (change: Partial<Values<Name>>) => void] {
  const [query, setQuery] = useSearchParams();
  const valueOf = (name: Name): string =>
    (names.includes(name) ? (query.get(name) ?? '') : '').trim().slice(0, sizes.emailCharacters);
  const change = (patch: Partial<Values<Name>>): void =>
    setQuery(
      (before) => {
        const params = new URLSearchParams(before);
        for (const [name, value] of Object.entries<string | undefined>(patch))
          if (value === undefined || value === '') params.delete(name);
          else params.set(name, value);
        return params;
      },
      { replace: true, preventScrollReset: true },
    );
  return [valueOf, change];
}

/** Returns the order of a table in the address, `?sort=-Rows` for the largest first, and a function that changes it. */
export function useSort(): [Sort | null, (sort: Sort | null) => void] {
  const [valueOf, change] = useAddress(['sort']);
  const value = valueOf('sort');
  const descending = value.startsWith('-');
  const sort = value === '' ? null : { column: descending ? value.slice(1) : value, descending };
  return [
    sort,
    (next) => change({ sort: next === null ? '' : `${next.descending ? '-' : ''}${next.column}` }),
  ];
}
