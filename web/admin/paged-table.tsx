import { useInfiniteQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { formatExact } from '../ui/quantity.ts';
import { useSort } from './address.ts';
import { pagesQuery } from './queries.ts';
import { Loaded, Refresh, SectionHead } from './section.tsx';

interface Props<Item> {
  title: string;
  /** What the rows are: “entries”. */
  what: string;
  path: string;
  query: URLSearchParams;
  columns: readonly Column<Item>[];
  keyOf: (item: Item) => string;
  empty: string;
  isFiltered: boolean;
  onClear: () => void;
  actions?: ReactNode;
  filters: ReactNode;
}

/** A section with a list of which pages are loaded on demand. The order is that of the loaded rows. */
export function PagedTable<Item>(props: Props<Item>): ReactNode {
  const { title, what, path, query, columns, keyOf, empty, isFiltered, onClear } = props;
  const [sort, setSort] = useSort();
  const list = useInfiniteQuery(pagesQuery<Item>(path, query));
  const { hasNextPage, isFetchingNextPage, isFetching, fetchNextPage, refetch } = list;
  return (
    <div className="space-y-4">
      <SectionHead title={title}>
        {props.actions}
        <Refresh busy={isFetching && !isFetchingNextPage} onRefresh={() => void refetch()} />
      </SectionHead>
      {props.filters}
      <Loaded
        what={what}
        query={list}
        empty={{
          when: ({ pages }) => pages.every(({ items }) => items.length === 0),
          text: isFiltered ? `No ${what} match.` : empty,
          action: isFiltered ? <Button onClick={onClear}>Clear filters</Button> : undefined,
        }}
      >
        {({ pages }) => {
          const rows = pages.flatMap(({ items }) => items);
          const count = `${formatExact(rows.length)} ${what}`;
          return (
            <>
              <ListTable
                caption={
                  hasNextPage
                    ? `The newest ${count}; older ones follow`
                    : `${count}${sort ? '' : ', newest first'}`
                }
                columns={columns}
                rows={rows}
                keyOf={keyOf}
                sort={sort}
                onSort={setSort}
              />
              {hasNextPage ? (
                <div className="flex justify-center">
                  <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                    {isFetchingNextPage ? 'Loading…' : 'Load more'}
                  </Button>
                </div>
              ) : null}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}
