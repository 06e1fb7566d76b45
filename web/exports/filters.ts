import { useSearchParams } from 'react-router';
import type { PublicStatus } from '../../lib/contracts/export-document.ts';
import { formats } from '../../lib/contracts/format-capabilities.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { type ListFilters, type ListSort, newestFirst, sortText } from '../api/calls.ts';
import { statusLabels } from './status.tsx';

const isStatus = (text: string | null): text is PublicStatus =>
  text !== null && Object.hasOwn(statusLabels, text);

const orders: readonly ListSort[] = (['createdAt', 'rows', 'bytes', 'expiresAt'] as const).flatMap(
  (by) => [by === 'createdAt' ? newestFirst : { by, descending: true }, { by, descending: false }],
);

/** Returns the filters of the address, `?status=ready&kind=csv&readFrom=sales&search=orders&downloaded=shown&sort=-rows`, and a function that changes them. */
export function useFilters(): [ListFilters, (change: Partial<ListFilters>) => void] {
  const [query, setQuery] = useSearchParams();
  const status = query.get('status');
  const filters: ListFilters = {
    status: isStatus(status) ? status : null,
    format: formats.find((format) => format === query.get('kind')) ?? null,
    source: query.get('readFrom') || null,
    search: (query.get('search') ?? '').trim().slice(0, sizes.nameCharacters),
    showDownloaded: query.get('downloaded') === 'shown',
    sort: orders.find((order) => sortText(order) === query.get('sort')) ?? newestFirst,
  };
  const change = (patch: Partial<ListFilters>): void => {
    const next = { ...filters, ...patch };
    const params = new URLSearchParams();
    if (next.status !== null) params.set('status', next.status);
    if (next.format !== null) params.set('kind', next.format);
    if (next.source !== null) params.set('readFrom', next.source);
    if (next.search !== '') params.set('search', next.search);
    if (next.showDownloaded) params.set('downloaded', 'shown');
    if (sortText(next.sort) !== sortText(newestFirst)) params.set('sort', sortText(next.sort));
    setQuery(params, { replace: true, preventScrollReset: true });
  };
  return [filters, change];
}

export const noFilters: ListFilters = {
  status: null,
  format: null,
  source: null,
  search: '',
  showDownloaded: false,
  sort: newestFirst,
};

export const isFiltered = ({ status, format, source, search }: ListFilters): boolean =>
  status !== null || format !== null || source !== null || search !== '';
