import type { ReactNode } from 'react';
import type { Manifest } from '../../lib/contracts/export-document.ts';
import { Link } from '../ui/link.tsx';

/** The key that a manifest names as its signer. The page does not verify the signature; `npm run verify` does. */
export function Signature({ manifest }: { manifest: Manifest }): ReactNode {
  const { signature, file } = manifest;
  if (signature === undefined)
    return (
      <p>
        None: manifests were not signed yet when this file was created. Export it again to get one.
      </p>
    );
  return (
    <>
      <p>
        {'Signed by the key '}
        <code className="font-mono text-xs break-all">{keyIdOf(signature)}</code>
      </p>
      <p className="text-muted">
        <Link to="/verify" className="underline underline-offset-2 hover:no-underline">
          Verify the file here
        </Link>
        {', or save the manifest next to it; '}
        <code className="font-mono text-xs break-all">
          {`npm run verify -- ${file.name} ${manifestName(manifest)}`}
        </code>
        {' checks that neither was changed.'}
      </p>
    </>
  );
}

export const manifestName = ({ file }: Manifest): string => `${file.name}.manifest.json`;

/** Returns the key id from the protected header of a JWS, which is base64url (RFC 7515, 4.1.4). */
function keyIdOf(signature: string): string {
  const [header = ''] = signature.split('.');
  const { kid }: { kid: string } = JSON.parse(
    atob(header.replaceAll('-', '+').replaceAll('_', '/')),
  );
  return kid;
}
