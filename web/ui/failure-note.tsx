import type { ReactNode } from 'react';
import type { Failure } from '../api/errors.ts';
import { Icon } from './icons.tsx';
import { Note, Reference } from './panels.tsx';

/** Why an action failed, next to its button. */
export function FailureNote({ failure }: { failure: Failure | null }): ReactNode {
  return failure === null ? null : (
    <Note tone="danger">
      <Icon name="warning" className="text-danger" />
      <span>{failure.message}</span>
      <Reference id={failure.reference} />
    </Note>
  );
}
