import type { ReactNode } from 'react';
import { Icon } from '../ui/icons.tsx';
import { bytes, formatExact } from '../ui/quantity.ts';
import type { Rejection } from './manifest.ts';
import type { Findings } from './verify-files.ts';

interface Check {
  name: string;
  passed: boolean;
  text: string;
}

const rejections: Record<Rejection, string> = {
  unsigned: 'The manifest is not signed.',
  form: 'The signature is not that of a manifest.',
  'unknown-key': 'It names a key that this deployment does not have.',
  changed: 'The manifest was changed after it was signed, or another key signed it.',
  unsupported: 'This browser cannot verify Ed25519 signatures. Use npm run verify.',
};

function checksOf({ manifest: { file }, verdict, bytes: size, sha256 }: Findings): Check[] {
  const isSigned = !('rejected' in verdict);
  return [
    {
      name: 'Signature',
      passed: isSigned,
      text: isSigned
        ? `Signed by the key ${verdict.kid} of this deployment; the manifest is unchanged.`
        : rejections[verdict.rejected],
    },
    {
      name: 'Size',
      passed: size === file.bytes,
      text:
        size === file.bytes
          ? `${formatExact(size)} bytes (${bytes(size)})`
          : `${formatExact(size)} bytes; the manifest says ${formatExact(file.bytes)}.`,
    },
    {
      name: 'SHA-256',
      passed: sha256 === file.sha256,
      text: sha256 === file.sha256 ? sha256 : `${sha256}; the manifest says ${file.sha256}.`,
    },
  ];
}

/** The verdict on a file, and each of its checks. */
export function Results({ findings }: { findings: Findings }): ReactNode {
  const { manifest, name } = findings;
  const checks = checksOf(findings);
  const passed = checks.every((check) => check.passed);
  return (
    <section aria-label="Result" className="space-y-4 rounded-card border border-line p-4 sm:p-6">
      <p className="flex gap-2 text-lg font-semibold">
        <Icon
          name={passed ? 'done' : 'warning'}
          className={`mt-1 ${passed ? 'text-success' : 'text-danger'}`}
        />
        {passed
          ? 'The file is complete and unchanged.'
          : 'The file is not proved to be the exported one.'}
      </p>
      <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-[140px_1fr]">
        {checks.map((check) => (
          <div key={check.name} className="contents">
            <dt className="flex items-start gap-2 text-muted">
              <Icon
                name={check.passed ? 'check' : 'cross'}
                className={`mt-0.5 ${check.passed ? 'text-success' : 'text-danger'}`}
              />
              {check.name}
              <span className="sr-only">{check.passed ? ' is right' : ' is wrong'}</span>
            </dt>
            <dd className="min-w-0 wrap-anywhere">{check.text}</dd>
          </div>
        ))}
        <div className="contents">
          <dt className="text-muted">Rows</dt>
          <dd>{`${formatExact(manifest.file.rows)} by the manifest`}</dd>
        </div>
      </dl>
      {name === manifest.file.name ? null : (
        <p className="text-muted wrap-anywhere">
          {`The manifest calls the file ${manifest.file.name}. A name proves nothing; only the content is compared.`}
        </p>
      )}
    </section>
  );
}
