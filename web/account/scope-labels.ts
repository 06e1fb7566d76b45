import type { Scope } from '../../lib/contracts/scopes.ts';

export const scopeLabels: Record<Scope, string> = {
  'exports:read': 'See exports',
  'exports:write': 'Request, cancel and delete exports',
  'files:read': 'Download files',
  'readings:read': 'Read readings',
  'readings:write': 'Send readings',
  admin: 'Administer StreamSync',
};
