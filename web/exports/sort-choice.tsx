import type { ReactNode } from 'react';
import { type ListSort, newestFirst, sortText } from '../api/calls.ts';
import { ChipSelect } from './filter-bar.tsx';

const orders: readonly { label: string; sort: ListSort }[] = [
  { label: 'Newest first', sort: newestFirst },
  { label: 'Oldest first', sort: { by: 'createdAt', descending: false } },
  { label: 'Most rows first', sort: { by: 'rows', descending: true } },
  { label: 'Largest first', sort: { by: 'bytes', descending: true } },
  { label: 'Expires first', sort: { by: 'expiresAt', descending: false } },
];

/** The order of the list where it has no columns to press. */
export default function SortChoice({
  sort,
  onSort,
}: {
  sort: ListSort;
  onSort: (sort: ListSort) => void;
}): ReactNode {
  return (
    <ChipSelect
      aria-label="Order"
      isChosen={sort !== newestFirst}
      value={sortText(sort)}
      onChange={({ target }) =>
        onSort(orders.find((order) => sortText(order.sort) === target.value)?.sort ?? newestFirst)
      }
    >
      {orders.map(({ label, sort: order }) => (
        <option key={label} value={sortText(order)}>
          {label}
        </option>
      ))}
    </ChipSelect>
  );
}
