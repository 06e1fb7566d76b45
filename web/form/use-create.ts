import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { createExport, type NewExport } from '../api/calls.ts';
import { noFilters } from '../exports/filters.ts';
import { useExportsPageState } from '../exports/page-state.tsx';
import { insertIntoList } from '../exports/queries.ts';
import { queuedSentence } from '../exports/status-text.ts';
import { announce } from '../ui/announcer.tsx';

/** Sends a request. On success the new export is in the list, and its row has the focus. */
export function useCreate(onCreated: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { focusRow } = useExportsPageState();
  return useMutation({
    mutationFn: ({ request, key }: { request: NewExport; key: string }) =>
      createExport(request, key),
    retry: false,
    // Without a connection it fails at once; nothing is sent later, unasked.
    networkMode: 'always',
    onSuccess: (created) => {
      onCreated();
      announce('queued', { sentence: queuedSentence('Export', created) });
      insertIntoList(client, noFilters, [created]);
      // The address without filters, which could hide the row.
      void navigate('/exports');
      focusRow(created.id);
    },
  });
}
