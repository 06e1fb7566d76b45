import { catalogue } from '../../lib/runtime/catalogue.ts';
import { createSlots } from '../../lib/scheduling/slots.ts';
import { protectAudit } from '../postgres/databases.ts';
import { migrate } from '../postgres/migrate.ts';

interface CatalogueSettings {
  catalogueUrl: string;
  /** Of a role on the same database that may create roles, and give the functions' role and the new one to itself. */
  ownerUrl: string;
  auditRetentionDays: number;
}

/** Brings the catalogue to the state that the functions need. Returns the names of the migrations it has run. */
export async function prepareCatalogue(settings: CatalogueSettings): Promise<string[]> {
  const { catalogueUrl, ownerUrl, auditRetentionDays } = settings;
  const migrated = await migrate(catalogueUrl);
  await protectAudit(ownerUrl, catalogueUrl, auditRetentionDays);
  await createSlots(catalogue());
  return migrated;
}
