import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { sizes } from '../../lib/contracts/sizes.ts';
import { createSession } from '../api/calls.ts';
import { describeError, isStatus } from '../api/errors.ts';
import { Button } from '../ui/button.tsx';
import { describedBy, FieldError, labelClass, TextField } from '../ui/field.tsx';
import type { SignedIn } from './session.ts';

interface Props {
  email?: string;
  onSignedIn: (session: SignedIn) => void;
}

interface Missing {
  email?: string;
  password?: string;
}

export function SignInForm({ email: knownEmail = '', onSignedIn }: Props): ReactNode {
  const [email, setEmail] = useState(knownEmail);
  const [password, setPassword] = useState('');
  const [passwordVisible, setPasswordVisible] = useState(false);
  const [missing, setMissing] = useState<Missing>({});
  const emailField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  const attempt = useMutation({
    mutationFn: () => createSession(email.trim(), password),
    retry: false,
    networkMode: 'always',
    onSuccess: ({ token, expiresAt }) => onSignedIn({ token, expiresAt, email: email.trim() }),
    onError: (error) => {
      if (isStatus(error, 401)) passwordField.current?.select();
    },
  });

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (attempt.isPending) return;
    const nowMissing: Missing = {
      ...(email.trim() === '' && { email: 'Enter your email.' }),
      ...(password === '' && { password: 'Enter your password.' }),
    };
    setMissing(nowMissing);
    if (nowMissing.email) emailField.current?.focus();
    else if (nowMissing.password) passwordField.current?.focus();
    else attempt.mutate();
  };

  return (
    <form noValidate onSubmit={submit} className="space-y-4">
      <div role="alert">
        {attempt.isError ? (
          <p className="rounded-card border border-danger/40 bg-danger/8 px-4 py-3">
            {errorText(attempt.error)}
          </p>
        ) : null}
      </div>
      <TextField
        ref={emailField}
        id="sign-in-email"
        label="Email"
        type="email"
        name="email"
        maxLength={sizes.emailCharacters}
        autoComplete="username"
        autoFocus={knownEmail === ''}
        value={email}
        error={missing.email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <div className="space-y-1">
        <label htmlFor="sign-in-password" className={labelClass}>
          Password
        </label>
        <div className="flex gap-2">
          <input
            ref={passwordField}
            id="sign-in-password"
            className="input"
            type={passwordVisible ? 'text' : 'password'}
            name="password"
            maxLength={sizes.passwordCharacters}
            autoComplete="current-password"
            data-initial-focus={knownEmail === '' ? undefined : ''}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            {...describedBy('sign-in-password', missing.password, undefined)}
          />
          <Button
            aria-pressed={passwordVisible}
            aria-controls="sign-in-password"
            onClick={() => setPasswordVisible(!passwordVisible)}
          >
            {passwordVisible ? 'Hide' : 'Show'}
            <span className="sr-only">password</span>
          </Button>
        </div>
        <FieldError id="sign-in-password-error" message={missing.password} />
      </div>
      <Button type="submit" variant="primary" busy={attempt.isPending} className="w-full">
        {label(attempt)}
      </Button>
    </form>
  );
}

function label({ isPending, error }: { isPending: boolean; error: Error | null }): string {
  if (isPending) return 'Signing in…';
  return error && !isStatus(error, 401, 422) ? 'Try again' : 'Sign in';
}

function errorText(error: Error): string {
  if (isStatus(error, 401, 422)) return 'Incorrect email or password. Try again.';
  if (isStatus(error, 429)) return `Too many tries. Wait ${error.retryAfterSeconds ?? 30} seconds.`;
  return describeError(error).message;
}
