import type { ReactNode } from 'react';
import type { ExportRequest } from '../../lib/contracts/export-request.ts';
import { Entry } from '../ui/details.tsx';
import { choicesOf } from './choices.ts';

/** The conditions of a request and its other choices that differ from the defaults, as entries of a list of details. */
export function Choices({ request }: { request: ExportRequest }): ReactNode {
  const choices = choicesOf(request);
  const conditions = choices.filter(({ term }) => term === 'Condition');
  return (
    <>
      {conditions.length > 0 ? (
        <Entry term={conditions.length === 1 ? 'Condition' : 'Conditions'}>
          {conditions.map(({ text }) => text).join(' and ')}
        </Entry>
      ) : null}
      {choices
        .filter(({ term }) => term !== 'Condition')
        .map(({ term, text }) => (
          <Entry key={term} term={term}>
            {text}
          </Entry>
        ))}
    </>
  );
}
