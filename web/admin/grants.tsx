import { queryOptions, useQuery } from '@tanstack/react-query';
import { type ReactNode, useId, useState } from 'react';
import type { AccountDocument } from '../../lib/contracts/accounts.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import type { SourceDescription } from '../../lib/contracts/sources.ts';
import { listSources } from '../api/calls.ts';
import { Button } from '../ui/button.tsx';
import { SelectField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { EmptyPanel, Note } from '../ui/panels.tsx';
import { type Problem, ProblemSummary, problemsOf } from '../ui/problem-summary.tsx';
import { useAction } from '../ui/use-action.ts';
import { useAddress } from './address.ts';
import { setGrants } from './calls.ts';
import { datasetFor, type EditedGrant, editedOf, grantText, newGrant, readGrant } from './grant.ts';
import { GrantEditor } from './grant-editor.tsx';
import { accountsQuery, sourcesQuery } from './queries.ts';
import { Loaded, Refresh, SectionHead } from './section.tsx';

/** The datasets that this administrator may see, with their columns. Others can be typed. */
const datasetsQuery = queryOptions({
  queryKey: ['admin', 'datasets'],
  queryFn: ({ signal }) => listSources(signal),
});

/** What an account may read, by source, dataset and column. */
export function Grants(): ReactNode {
  const id = useId();
  const accounts = useQuery(accountsQuery);
  const [valueOf, change] = useAddress(['account']);
  const email = valueOf('account');
  return (
    <div className="space-y-4">
      <SectionHead title="Grants">
        <Refresh busy={accounts.isFetching} onRefresh={() => void accounts.refetch()} />
      </SectionHead>
      <Loaded what="the accounts" query={accounts}>
        {(all) => {
          const account = all.find((one) => one.email.toLowerCase() === email.toLowerCase());
          return (
            <>
              <div className="max-w-[400px]">
                <SelectField
                  id={id}
                  label="Account"
                  value={account?.email ?? ''}
                  onChange={({ target }) => change({ account: target.value })}
                >
                  {account ? null : <option value="">Choose an account</option>}
                  {all.map((one) => (
                    <option key={one.email} value={one.email}>
                      {one.email}
                    </option>
                  ))}
                </SelectField>
              </div>
              {account ? (
                <Editor key={account.email} account={account} />
              ) : (
                <EmptyPanel>Choose an account to see what it may read.</EmptyPanel>
              )}
            </>
          );
        }}
      </Loaded>
    </div>
  );
}

function Editor({ account }: { account: AccountDocument }): ReactNode {
  const { email } = account;
  const [grants, setEdited] = useState<readonly EditedGrant[]>(() => account.grants.map(editedOf));
  // Other grants, saved here or elsewhere, replace the draft.
  const [read, setRead] = useState(account.grants);
  if (JSON.stringify(read) !== JSON.stringify(account.grants)) {
    setRead(account.grants);
    setEdited(account.grants.map(editedOf));
  }
  const [wrong, setWrong] = useState<readonly Problem[]>([]);
  const [addedKey, setAddedKey] = useState<string | null>(null);
  const states = useQuery(sourcesQuery);
  const datasets = useQuery(datasetsQuery);
  const sources: readonly SourceDescription[] = datasets.data?.sources ?? [];
  const names = [
    ...new Set([
      ...(states.data?.items.map(({ name }) => name) ?? []),
      ...sources.map(({ name }) => name),
    ]),
  ];
  const { start, busy, error, failure } = useAction(
    (sent: Parameters<typeof setGrants>[1]) => setGrants(email, sent),
    {
      changes: [accountsQuery.queryKey, ['sources']],
      done: () => `Grants of ${email} saved`,
    },
  );
  const problems = wrong.length > 0 ? wrong : problemsOf(error, {});
  const savedTexts = textsOf(account.grants.map(editedOf), sources);
  const texts = textsOf(grants, sources);
  const isChanged = JSON.stringify(savedTexts) !== JSON.stringify(texts);

  const save = (): void => {
    const results = grants.map((grant) => readGrant(grant, sources));
    const now: Problem[] = results.flatMap(({ errors }, place) =>
      errors.map((message) => ({
        id: `grant-${grants[place]?.key ?? ''}`,
        message: `Grant ${place + 1}: ${message}`,
      })),
    );
    setWrong(now);
    if (now.length === 0) start(results.map(({ grant }) => grant));
  };

  return (
    <div className="space-y-4">
      <ProblemSummary problems={problems} reference={failure?.reference ?? null} />
      <section aria-label="What the account sees" className="rounded-card bg-surface p-4">
        <h2 className="font-semibold">{isChanged ? `${email} would see` : `${email} sees`}</h2>
        {texts.length === 0 ? (
          <p className="text-muted">Nothing.</p>
        ) : (
          <ul className="list-inside list-disc">
            {texts.map((text, place) => (
              <li key={grants[place]?.key} className="wrap-anywhere">
                {text}
              </li>
            ))}
          </ul>
        )}
      </section>
      {grants.map((grant, place) => (
        <GrantEditor
          key={grant.key}
          place={place + 1}
          grant={grant}
          isNew={grant.key === addedKey}
          sourceNames={names}
          datasetNames={
            sources.find(({ name }) => name === grant.source)?.datasets.map(({ name }) => name) ??
            []
          }
          dataset={datasetFor(grant, sources)}
          onChange={(next) =>
            setEdited(grants.map((other) => (other.key === grant.key ? next : other)))
          }
          onRemove={() => {
            setEdited(grants.filter((other) => other.key !== grant.key));
            document.getElementById('add-grant')?.focus();
          }}
        />
      ))}
      <div className="flex flex-wrap items-center gap-3">
        {grants.length < sizes.grants ? (
          <Button
            id="add-grant"
            onClick={() => {
              const grant = newGrant(names[0] ?? '');
              setAddedKey(grant.key);
              setEdited([...grants, grant]);
            }}
          >
            Add grant
          </Button>
        ) : null}
        <Button variant="primary" busy={busy || !isChanged} onClick={save}>
          {busy ? 'Saving…' : 'Save grants'}
        </Button>
      </div>
      {isChanged ? (
        <Note tone="warning">
          <Icon name="warning" className="text-warning" />
          Not saved yet. Saved grants apply to the next call, unit and download; files that were
          made under other rules can no longer be downloaded.
        </Note>
      ) : null}
    </div>
  );
}

const textsOf = (grants: readonly EditedGrant[], sources: readonly SourceDescription[]): string[] =>
  grants.map((grant) => grantText(grant, grants, sources));
