import { type FormEvent, type ReactNode, useState } from 'react';
import type { AccountDocument, Revocations, Role } from '../../lib/contracts/accounts.ts';
import type { AccountLimits } from '../../lib/contracts/limits.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { Button } from '../ui/button.tsx';
import { FailureNote } from '../ui/failure-note.tsx';
import { FieldGroup, SelectField, TextField } from '../ui/field.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { type Problem, ProblemSummary, problemOf, problemsOf } from '../ui/problem-summary.tsx';
import { useAction } from '../ui/use-action.ts';
import { type AccountChange, changeAccount, createAccount, revokeAccount } from './calls.ts';
import { accountsQuery } from './queries.ts';

const fields = {
  email: 'account-email',
  role: 'account-role',
  disabled: 'account-disabled',
  mayRequestByEvent: 'account-events',
  limits: 'account-limits',
};

const roles: Record<Role, string> = { analyst: 'Analyst', admin: 'Administrator' };

const isRole = (value: string): value is Role => Object.hasOwn(roles, value);

export function CreateDialog({
  onClose,
  onCreated,
}: {
  onClose: () => void;
  onCreated: (email: string, password: string | undefined) => void;
}): ReactNode {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('analyst');
  const [mayRequestByEvent, setEvents] = useState(false);
  const [missing, setMissing] = useState<readonly Problem[]>([]);
  const { start, busy, error, failure } = useAction(createAccount, {
    changes: [accountsQuery.queryKey],
    done: (account) => {
      onCreated(account.email, account.initialPassword);
      return `Account ${account.email} created`;
    },
  });
  const problems = missing.length > 0 ? missing : problemsOf(error, fields);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (busy) return;
    const now = email.trim() === '' ? [{ id: fields.email, message: 'Enter an email.' }] : [];
    setMissing(now);
    if (now.length === 0) start({ email: email.trim(), role, mayRequestByEvent });
  };
  return (
    <Modal title="Create an account" onClose={onClose} returnFocusTo="create-account">
      <form noValidate onSubmit={submit} className="mt-4 space-y-4">
        <ProblemSummary problems={problems} reference={failure?.reference ?? null} />
        <TextField
          id={fields.email}
          label="Email"
          type="email"
          autoComplete="off"
          maxLength={sizes.emailCharacters}
          data-initial-focus
          value={email}
          error={problemOf(problems, fields.email)}
          onChange={({ target }) => setEmail(target.value)}
        />
        <RoleField value={role} onChange={setRole} />
        <Check
          id={fields.mayRequestByEvent}
          label="May request exports by event"
          checked={mayRequestByEvent}
          onChange={setEvents}
        />
        <p className="text-muted">
          A password is created and shown once. The account can read nothing until it has grants.
        </p>
        <ModalActions>
          <Button onClick={onClose}>Close without an account</Button>
          <Button type="submit" variant="primary" busy={busy}>
            {busy ? 'Creating…' : 'Create account'}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

const limitFields: readonly { name: keyof AccountLimits; label: string; isDefault: boolean }[] = [
  { name: 'maxRows', label: 'Rows of one export', isDefault: false },
  { name: 'maxBytes', label: 'Bytes of one file', isDefault: false },
  { name: 'maxRunningExports', label: 'Exports at a time', isDefault: true },
  { name: 'maxRowsPerDay', label: 'Rows a day', isDefault: true },
  { name: 'maxBytesPerDay', label: 'Bytes a day', isDefault: true },
];

const limitId = (name: string): string => `account-limit-${name}`;

export function ChangeDialog({
  account,
  onClose,
}: {
  account: AccountDocument;
  onClose: () => void;
}): ReactNode {
  const [role, setRole] = useState(account.role);
  const [disabled, setDisabled] = useState(account.disabled);
  const [mayRequestByEvent, setEvents] = useState(account.mayRequestByEvent);
  const [typed, setTyped] = useState<Record<string, string>>(() =>
    Object.fromEntries(limitFields.map(({ name }) => [name, String(account.limits[name] ?? '')])),
  );
  const [wrong, setWrong] = useState<readonly Problem[]>([]);
  const { start, busy, error, failure } = useAction(
    (change: AccountChange) => changeAccount(account.email, change),
    {
      changes: [accountsQuery.queryKey],
      done: () => {
        onClose();
        return `Account ${account.email} changed`;
      },
    },
  );
  const problems = wrong.length > 0 ? wrong : problemsOf(error, fields);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (busy) return;
    const numbers = new Map(
      limitFields.map(({ name }) => [name, readLimit(typed[name] ?? '')] as const),
    );
    const now = limitFields.flatMap(({ name, label }) =>
      numbers.get(name) === undefined
        ? [{ id: limitId(name), message: `${label}: enter a whole number, or nothing.` }]
        : [],
    );
    setWrong(now);
    if (now.length > 0) return;
    const valueOf = (name: keyof AccountLimits): number | null => numbers.get(name) ?? null;
    start({
      ...(role !== account.role && { role }),
      ...(disabled !== account.disabled && { disabled }),
      ...(mayRequestByEvent !== account.mayRequestByEvent && { mayRequestByEvent }),
      ...(limitFields.some(({ name }) => valueOf(name) !== (account.limits[name] ?? null)) && {
        limits: {
          maxRows: valueOf('maxRows'),
          maxBytes: valueOf('maxBytes'),
          maxRunningExports: valueOf('maxRunningExports'),
          maxRowsPerDay: valueOf('maxRowsPerDay'),
          maxBytesPerDay: valueOf('maxBytesPerDay'),
        },
      }),
    });
  };

  return (
    <Modal title={`Change ${account.email}`} onClose={onClose} returnFocusTo={rowId(account)}>
      <form noValidate onSubmit={submit} className="mt-4 space-y-4">
        <ProblemSummary problems={problems} reference={failure?.reference ?? null} />
        <RoleField value={role} onChange={setRole} />
        <Check
          id={fields.disabled}
          label="Disabled: sessions end, and everything is refused from now on"
          checked={disabled}
          onChange={setDisabled}
        />
        <Check
          id={fields.mayRequestByEvent}
          label="May request exports by event"
          checked={mayRequestByEvent}
          onChange={setEvents}
        />
        <FieldGroup id={fields.limits} legend="Limits" error={problemOf(problems, fields.limits)}>
          <div className="grid items-start gap-3 sm:grid-cols-2">
            {limitFields.map(({ name, label, isDefault }) => (
              <TextField
                key={name}
                id={limitId(name)}
                label={label}
                inputMode="numeric"
                placeholder={isDefault ? 'Default' : 'No limit'}
                maxLength={20}
                autoComplete="off"
                value={typed[name] ?? ''}
                error={problemOf(problems, limitId(name))}
                onChange={({ target }) => setTyped({ ...typed, [name]: target.value })}
              />
            ))}
          </div>
        </FieldGroup>
        <ModalActions>
          <Button onClick={onClose}>Keep as it was</Button>
          <Button type="submit" variant="primary" busy={busy}>
            {busy ? 'Saving…' : 'Save'}
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

/** Returns a typed limit, null for none, undefined if it is not a whole number above 0. */
function readLimit(text: string): number | null | undefined {
  const digits = text.replaceAll(/[\s,]/g, '');
  if (digits === '') return null;
  const value = Number(digits);
  return /^\d+$/.test(digits) && value > 0 && Number.isSafeInteger(value) ? value : undefined;
}

const rowId = ({ email }: AccountDocument): string => `account-${email}`;

function RoleField({
  value,
  onChange,
}: {
  value: Role;
  onChange: (role: Role) => void;
}): ReactNode {
  return (
    <SelectField
      id={fields.role}
      label="Role"
      value={value}
      onChange={({ target }) => {
        if (isRole(target.value)) onChange(target.value);
      }}
    >
      {Object.entries(roles).map(([role, label]) => (
        <option key={role} value={role}>
          {label}
        </option>
      ))}
    </SelectField>
  );
}

function Check({
  id,
  label,
  checked,
  onChange,
}: {
  id: string;
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}): ReactNode {
  return (
    <label className="control-small flex cursor-pointer items-center gap-2">
      <input
        id={id}
        type="checkbox"
        className="size-4 flex-none cursor-pointer accent-accent"
        checked={checked}
        onChange={({ target }) => onChange(target.checked)}
      />
      {label}
    </label>
  );
}

/** What a revocation ended, and when. */
export interface Revoked {
  at: string;
  ended: string;
}

export function RevokeDialog({
  account,
  onClose,
  onRevoked,
}: {
  account: AccountDocument;
  onClose: () => void;
  onRevoked: (revoked: Revoked) => void;
}): ReactNode {
  const { email } = account;
  const [typed, setTyped] = useState('');
  const [isWrong, setIsWrong] = useState(false);
  const { start, busy, failure } = useAction(() => revokeAccount(email), {
    changes: [accountsQuery.queryKey],
    done: (counts) => {
      const ended = `${email}: ${endedText(counts)} ended.`;
      onRevoked({ at: new Date().toISOString(), ended });
      onClose();
      return `Revoked. ${ended}`;
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wrong = typed.trim().toLowerCase() !== email.toLowerCase();
    setIsWrong(wrong);
    if (wrong) document.getElementById('revoke-email')?.focus();
    else if (!busy) start(undefined);
  };
  return (
    <Modal
      title={`Revoke everything for ${email}?`}
      onClose={onClose}
      returnFocusTo={rowId(account)}
    >
      <p className="mt-2 mb-4 text-muted">
        Ends its sessions, keys, downloads and live connections now. Cannot be undone.
      </p>
      <form noValidate onSubmit={submit} className="space-y-4">
        <FailureNote failure={failure} />
        <TextField
          id="revoke-email"
          label={`Type ${email}`}
          error={isWrong ? 'The text is not the email of the account.' : undefined}
          maxLength={sizes.emailCharacters}
          autoComplete="off"
          spellCheck={false}
          data-initial-focus
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
        <ModalActions>
          <Button onClick={onClose}>Keep access</Button>
          <Button type="submit" variant="danger" busy={busy}>
            Revoke everything
          </Button>
        </ModalActions>
      </form>
    </Modal>
  );
}

/** `2 sessions, 1 key, no links` */
function endedText({ sessions, keys, tickets }: Revocations): string {
  const counted = (count: number, one: string): string =>
    count === 0 ? `no ${one}s` : count === 1 ? `1 ${one}` : `${count} ${one}s`;
  return [counted(sessions, 'session'), counted(keys, 'key'), counted(tickets, 'link')].join(', ');
}
