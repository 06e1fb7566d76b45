import { useSearchParams } from 'react-router';
import type { PublicStatus } from '../../lib/contracts/export-document.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { ListFilters } from '../api/calls.ts';
import { statusWords } from './status.tsx';

const isStatus = (text: string | null): text is PublicStatus =>
  text !== null && Object.hasOwn(statusWords, text);

/** The filters as the address has them: `?status=ready&search=orders&downloaded=shown`. */
export function useFilters(): [ListFilters, (change: Partial<ListFilters>) => void] {
  const [query, setQuery] = useSearchParams();
  const status = query.get('status');
  const filters: ListFilters = {
    status: isStatus(status) ? status : null,
    search: (query.get('search') ?? '').trim().slice(0, sizes.nameCharacters),
    showDownloaded: query.get('downloaded') === 'shown',
  };
  const change = (part: Partial<ListFilters>): void => {
    const next = { ...filters, ...part };
    const written = new URLSearchParams();
    if (next.status !== null) written.set('status', next.status);
    if (next.search !== '') written.set('search', next.search);
    if (next.showDownloaded) written.set('downloaded', 'shown');
    setQuery(written, { replace: true, preventScrollReset: true });
  };
  return [filters, change];
}

export const noFilters: ListFilters = { status: null, search: '', showDownloaded: false };

export const isFiltered = ({ status, search }: ListFilters): boolean =>
  status !== null || search !== '';
