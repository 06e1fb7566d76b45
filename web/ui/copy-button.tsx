import { type ComponentProps, type ReactNode, useState } from 'react';
import { announce } from './announcer.tsx';
import { Button } from './button.tsx';

/** Copies a text and says so. */
export function CopyButton({
  what,
  text,
  onCopied,
  ...button
}: { what: string; text: string; onCopied?: () => void } & Omit<
  ComponentProps<typeof Button>,
  'onClick'
>): ReactNode {
  const [result, setResult] = useState<'Copied' | 'Not copied' | null>(null);
  return (
    <Button
      small
      {...button}
      aria-label={`${result ?? 'Copy'} ${what}`}
      onClick={() => {
        navigator.clipboard
          .writeText(text)
          .then(() => {
            setResult('Copied');
            onCopied?.();
            announce('copied', { sentence: `Copied ${what}` });
          })
          .catch(() => setResult('Not copied'));
      }}
    >
      {result ?? 'Copy'}
    </Button>
  );
}
