import { type FormEvent, type ReactNode, useState } from 'react';
import type { CreatedApiKey } from '../../lib/contracts/api-keys.ts';
import type { Scope } from '../../lib/contracts/scopes.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { Button } from '../ui/button.tsx';
import { FieldGroup, SelectField, TextField } from '../ui/field.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { type Problem, ProblemSummary, problemOf, problemsOf } from '../ui/problem-summary.tsx';
import { SecretDialog } from '../ui/secret-dialog.tsx';
import { useAction } from '../ui/use-action.ts';
import { createKey } from './calls.ts';
import { scopeLabels } from './scope-labels.ts';

const fields = { name: 'key-name', scopes: 'key-scopes', expiresAt: 'key-expiry' };

/** Days of validity, in the order of the field; 0: the key does not expire. */
const validities = [
  { days: 30, label: '30 days' },
  { days: 90, label: '90 days' },
  { days: 365, label: '1 year' },
  { days: 0, label: 'Until it is revoked' },
] as const;

interface Props {
  /** What these credentials may do, and so the key. */
  scopes: readonly Scope[];
  onClose: () => void;
}

export function NewKeyDialog({ scopes, onClose }: Props): ReactNode {
  const [created, setCreated] = useState<CreatedApiKey | null>(null);
  return created ? (
    <SecretDialog
      title={`Key ${created.name}`}
      what="key"
      secret={created.secret}
      returnFocusTo="keys"
      onClose={onClose}
    />
  ) : (
    <KeyForm scopes={scopes} onCreated={setCreated} onClose={onClose} />
  );
}

function KeyForm({
  scopes,
  onCreated,
  onClose,
}: Props & { onCreated: (key: CreatedApiKey) => void }): ReactNode {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Scope[]>([]);
  const [days, setDays] = useState<number>(validities[0].days);
  const [missing, setMissing] = useState<readonly Problem[]>([]);
  const { start, busy, error, failure } = useAction(createKey, {
    changes: [['keys']],
    done: (key) => {
      onCreated(key);
      return `Key ${key.name} created`;
    },
  });
  const problems = missing.length > 0 ? missing : problemsOf(error, fields);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (busy) return;
    const now: Problem[] = [
      ...(name.trim() === '' ? [{ id: fields.name, message: 'Enter a name for the key.' }] : []),
      ...(chosen.length === 0
        ? [{ id: fields.scopes, message: 'Choose what the key may do.' }]
        : []),
    ];
    setMissing(now);
    if (now.length > 0) return;
    const expiresAt = days === 0 ? null : new Date(Date.now() + days * 86_400_000).toISOString();
    start({ name: name.trim(), scopes: chosen, expiresAt });
  };

  return (
    <Modal title="Create a key" onClose={onClose}>
      <form noValidate onSubmit={submit} className="mt-4 space-y-4">
        <ProblemSummary problems={problems} reference={failure?.reference ?? null} />
        <TextField
          id={fields.name}
          label="Name"
          hint="What uses the key, like “Nightly report”."
          maxLength={sizes.keyNameCharacters}
          autoComplete="off"
          data-initial-focus
          value={name}
          error={problemOf(problems, fields.name)}
          onChange={({ target }) => setName(target.value)}
        />
        <FieldGroup
          id={fields.scopes}
          legend="What the key may do"
          error={problemOf(problems, fields.scopes)}
        >
          <div>
            {scopes.map((scope) => (
              <label
                key={scope}
                className="control-small flex cursor-pointer flex-wrap items-center gap-x-2"
              >
                <input
                  type="checkbox"
                  className="size-4 cursor-pointer accent-accent"
                  checked={chosen.includes(scope)}
                  onChange={({ target }) =>
                    setChosen(
                      target.checked
                        ? [...chosen, scope]
                        : chosen.filter((other) => other !== scope),
                    )
                  }
                />
                {scopeLabels[scope]}
                <code className="font-mono text-xs text-muted">{scope}</code>
              </label>
            ))}
          </div>
        </FieldGroup>
        <SelectField
          id={fields.expiresAt}
          label="Valid for"
          value={days}
          error={problemOf(problems, fields.expiresAt)}
          onChange={({ target }) => setDays(Number(target.value))}
        >
          {validities.map(({ days: value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </SelectField>
        <ModalActions>
          <Button onClick={onClose}>Close without a key</Button>
          <Button type="submit" variant="primary" busy={busy}>
            {busy ? 'Creating…' : 'Create key'}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}
