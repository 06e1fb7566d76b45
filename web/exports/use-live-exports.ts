import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { ExportDocument } from '../../lib/contracts/export-document.ts';
import type { LinkState } from '../live/live-socket.ts';
import { receiveDocument } from './queries.ts';

/** An export of this page is in its list before this time has passed; one of another page is not. */
const newExportMs = 2_000;

/** The list and the form are loaded first. Until the connection is there, polling is. */
const connectAfterMs = 2_000;

/**
 * Takes over the exports that the live connection sends, so that rows change at once. Polling goes on: it is what
 * counts when there is no connection.
 */
export function useLiveExports(): void {
  const client = useQueryClient();
  useEffect(() => listen(client), [client]);
}

/** Returns a function that ends it. */
function listen(client: QueryClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop: (() => void) | null = null;
  let isLeft = false;
  const refetchNewest = (): void =>
    void client.refetchQueries({ queryKey: ['exports-head'], type: 'active' });
  const onExport = (document: ExportDocument): void => {
    if (receiveDocument(client, document)) return;
    // The list shows new exports after a press on "Show".
    timer ??= setTimeout(() => {
      timer = undefined;
      refetchNewest();
    }, newExportMs);
  };
  // What changed while there was no connection is not sent again, and a hidden tab does not poll.
  const onState = ({ status }: LinkState): void => {
    if (status === 'open') refetchNewest();
  };
  const connecting = setTimeout(() => {
    void import('../live/connection.ts').then(({ liveSocket }) => {
      if (!isLeft) stop = liveSocket.listen({ onExport, onState });
    });
  }, connectAfterMs);
  return () => {
    isLeft = true;
    clearTimeout(connecting);
    clearTimeout(timer);
    stop?.();
  };
}
