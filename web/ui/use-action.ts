import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { describeError, type Failure } from '../api/errors.ts';
import { SignedOutError } from '../session/session.ts';
import { announce } from './announcer.tsx';

interface Action<Input> {
  start: (input: Input) => void;
  busy: boolean;
  /** Why the last attempt failed, until the next one starts. */
  failure: Failure | null;
  error: Error | null;
}

/**
 * A change by the API. What it changed is read again, and its result is announced: `done` returns the sentence, null
 * if there is nothing to say.
 */
export function useAction<Input, Output>(
  run: (input: Input) => Promise<Output>,
  {
    changes = [],
    done,
  }: { changes?: readonly QueryKey[]; done: (output: Output, input: Input) => string | null },
): Action<Input> {
  const client = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: run,
    retry: false,
    networkMode: 'always',
    onSuccess: async (output, input) => {
      const sentence = done(output, input);
      if (sentence !== null) announce('action', { sentence });
      await Promise.all(changes.map((queryKey) => client.invalidateQueries({ queryKey })));
    },
    onError: (reason) => {
      if (!(reason instanceof SignedOutError))
        announce('error', { sentence: describeError(reason).message });
    },
  });
  const failed = error === null || error instanceof SignedOutError ? null : error;
  return {
    start: (input) => mutate(input),
    busy: isPending,
    failure: failed && describeError(failed),
    error: failed,
  };
}
