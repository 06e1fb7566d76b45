import { type ReactNode, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { saveBlob } from '../ui/navigate.ts';
import { rowCount } from '../ui/quantity.ts';
import { useAction } from '../ui/use-action.ts';
import { getCsv } from './calls.ts';

/** Saves the rows of a list that its filters permit as CSV, and says how many they are. */
export function CsvButton({
  name,
  path,
  query,
}: {
  name: string;
  path: string;
  query: URLSearchParams;
}): ReactNode {
  const [result, setResult] = useState('');
  const { start, busy, failure } = useAction(() => getCsv(path, query), {
    done: ({ content, rows, hasMore }) => {
      saveBlob(name, content);
      const sentence = `CSV of ${rowCount(rows)}${hasMore ? ', the newest; filter for older ones' : ''}`;
      setResult(sentence);
      return sentence;
    },
  });
  return (
    <>
      <span className="text-muted">{failure?.message ?? result}</span>
      <Button small busy={busy} onClick={() => start(undefined)}>
        {busy ? 'Writing…' : 'CSV'}
      </Button>
    </>
  );
}
