import { useSearchParams } from 'react-router';
import type { PublicStatus } from '../../lib/contracts/export-document.ts';
import type { ListFilters } from '../api/calls.ts';
import { statusWords } from './status.tsx';

export interface Filters extends ListFilters {
  search: string;
}

const isStatus = (text: string | null): text is PublicStatus =>
  text !== null && Object.hasOwn(statusWords, text);

/** The filters as the address has them: `?status=ready&search=orders&downloaded=shown`. */
export function useFilters(): [Filters, (change: Partial<Filters>) => void] {
  const [query, setQuery] = useSearchParams();
  const status = query.get('status');
  const filters: Filters = {
    status: isStatus(status) ? status : null,
    search: query.get('search') ?? '',
    showDownloaded: query.get('downloaded') === 'shown',
  };
  const change = (part: Partial<Filters>): void => {
    const next = { ...filters, ...part };
    const written = new URLSearchParams();
    if (next.status !== null) written.set('status', next.status);
    if (next.search !== '') written.set('search', next.search);
    if (next.showDownloaded) written.set('downloaded', 'shown');
    setQuery(written, { replace: true, preventScrollReset: true });
  };
  return [filters, change];
}

export const noFilters: Filters = { status: null, search: '', showDownloaded: false };

export const isFiltered = ({ status, search }: Filters): boolean =>
  status !== null || search.trim() !== '';
