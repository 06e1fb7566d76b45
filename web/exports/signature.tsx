import type { ReactNode } from 'react';
import type { Manifest } from '../../lib/contracts/export-document.ts';

/** Who has signed a manifest, as it says itself: the page does not verify it, `npm run verify` does. */
export function Signature({ manifest }: { manifest: Manifest }): ReactNode {
  const { signature, file } = manifest;
  if (signature === undefined)
    return (
      <p>None: the file was made before manifests were signed. Run the export again to have one.</p>
    );
  return (
    <>
      <p>
        {'Signed by the key '}
        <code className="font-mono text-xs break-all">{keyIdOf(signature)}</code>
      </p>
      <p className="text-muted">
        {'Save the manifest beside the file; '}
        <code className="font-mono text-xs break-all">
          {`npm run verify -- ${file.name} ${manifestName(manifest)}`}
        </code>
        {' proves that both are as they were made.'}
      </p>
    </>
  );
}

export const manifestName = ({ file }: Manifest): string => `${file.name}.manifest.json`;

/** Of the protected header of a JWS, which is base64url (RFC 7515, 4.1.4). */
function keyIdOf(signature: string): string {
  const [header = ''] = signature.split('.');
  const { kid }: { kid: string } = JSON.parse(
    atob(header.replaceAll('-', '+').replaceAll('_', '/')),
  );
  return kid;
}
