import { type FormEvent, type ReactNode, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { Icon } from '../ui/icons.tsx';
import { Note } from '../ui/panels.tsx';
import { type Problem, ProblemSummary, problemOf, problemsOf } from '../ui/problem-summary.tsx';
import { useAction } from '../ui/use-action.ts';
import { setPassword } from './calls.ts';
import { Section } from './section.tsx';

const fields = { currentPassword: 'current-password', newPassword: 'new-password' };

export function PasswordForm({ email }: { email: string }): ReactNode {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [missing, setMissing] = useState<readonly Problem[]>([]);
  const [changed, setChanged] = useState(false);
  const { start, busy, error, failure } = useAction(() => setPassword(current, next), {
    done: () => {
      setCurrent('');
      setNext('');
      setChanged(true);
      return 'Password changed';
    },
  });
  const problems = missing.length > 0 ? missing : problemsOf(error, fields);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (busy) return;
    setChanged(false);
    const now: Problem[] = [
      ...(current === '' ? [{ id: fields.currentPassword, message: 'Enter your password.' }] : []),
      ...(next === '' ? [{ id: fields.newPassword, message: 'Enter a new password.' }] : []),
    ];
    setMissing(now);
    if (now.length === 0) start(undefined);
  };

  return (
    <Section id="password" title="Password">
      <form noValidate onSubmit={submit} className="max-w-[400px] space-y-4">
        <ProblemSummary problems={problems} reference={failure?.reference ?? null} />
        {changed ? (
          <Note tone="success" onDismiss={() => setChanged(false)}>
            <Icon name="check" className="text-success" />
            Password changed. Your other sessions ended.
          </Note>
        ) : null}
        {/* Password managers store the new password under this name. */}
        <input type="hidden" name="email" autoComplete="username" value={email} />
        <TextField
          id={fields.currentPassword}
          label="Current password"
          type="password"
          autoComplete="current-password"
          maxLength={sizes.passwordCharacters}
          value={current}
          error={problemOf(problems, fields.currentPassword)}
          onChange={({ target }) => setCurrent(target.value)}
        />
        <TextField
          id={fields.newPassword}
          label="New password"
          hint="At least 12 characters."
          type="password"
          autoComplete="new-password"
          maxLength={sizes.passwordCharacters}
          value={next}
          error={problemOf(problems, fields.newPassword)}
          onChange={({ target }) => setNext(target.value)}
        />
        <Button type="submit" busy={busy}>
          {busy ? 'Changing…' : 'Change password'}
        </Button>
      </form>
    </Section>
  );
}
