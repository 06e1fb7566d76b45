import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { createExport, type NewExport } from '../api/calls.ts';
import { noFilters } from '../exports/filters.ts';
import { useExportsPageState } from '../exports/page-state.tsx';
import { insert } from '../exports/queries.ts';
import { queuedSentence } from '../exports/status-text.ts';
import { announce } from '../ui/announcer.tsx';

/** Sends the draft; the new row then is in the list and has focus. */
export function useCreate(onCreated: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const { focusRow } = useExportsPageState();
  return useMutation({
    mutationFn: ({ request, key }: { request: NewExport; key: string }) =>
      createExport(request, key),
    retry: false,
    onSuccess: (created) => {
      onCreated();
      announce('queued', { sentence: queuedSentence('Export', created) });
      insert(client, noFilters, [created]);
      // Filters could hide it.
      void navigate('/exports');
      focusRow(created.id);
    },
  });
}
