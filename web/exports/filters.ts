import { useSearchParams } from 'react-router';
import type { PublicStatus } from '../../lib/contracts/export-document.ts';
import { formats } from '../../lib/contracts/format-capabilities.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { ListFilters } from '../api/calls.ts';
import { statusLabels } from './status.tsx';

const isStatus = (text: string | null): text is PublicStatus =>
  text !== null && Object.hasOwn(statusLabels, text);

/** Returns the filters of the address, `?status=ready&kind=csv&readFrom=sales&search=orders&downloaded=shown`, and a function that changes them. */
export function useFilters(): [ListFilters, (change: Partial<ListFilters>) => void] {
  const [query, setQuery] = useSearchParams();
  const status = query.get('status');
  const filters: ListFilters = {
    status: isStatus(status) ? status : null,
    format: formats.find((format) => format === query.get('kind')) ?? null,
    source: query.get('readFrom') || null,
    search: (query.get('search') ?? '').trim().slice(0, sizes.nameCharacters),
    showDownloaded: query.get('downloaded') === 'shown',
  };
  const change = (patch: Partial<ListFilters>): void => {
    const next = { ...filters, ...patch };
    const params = new URLSearchParams();
    if (next.status !== null) params.set('status', next.status);
    if (next.format !== null) params.set('kind', next.format);
    if (next.source !== null) params.set('readFrom', next.source);
    if (next.search !== '') params.set('search', next.search);
    if (next.showDownloaded) params.set('downloaded', 'shown');
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
};

export const isFiltered = ({ status, format, source, search }: ListFilters): boolean =>
  status !== null || format !== null || source !== null || search !== '';
