import { z } from 'zod';
import { idPageQuerySchema, nextCursorSchema } from './admin-lists.ts';
import { instantSchema } from './instant.ts';
import { scopeSchema, scopes } from './scopes.ts';
import { sizes } from './sizes.ts';

/** Keys that an account can have at a time, expired ones included. */
export const maxKeys = 50;

const apiKeySchema = z.object({
  id: z.uuid(),
  name: z.string(),
  prefix: z.string().meta({ description: 'the first characters of the secret' }),
  scopes: z.array(scopeSchema),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable().meta({ description: 'accurate within a minute' }),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

export const newApiKeySchema = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(sizes.keyNameCharacters, `must have at most ${sizes.keyNameCharacters} characters`),
  scopes: z
    .array(scopeSchema)
    .min(1, 'must have at least one scope')
    .max(scopes.length, `must have at most ${scopes.length} scopes`)
    .transform((asked) => scopes.filter((scope) => asked.includes(scope))),
  expiresAt: instantSchema
    .nullish()
    .meta({ description: 'absent or null: the key is valid until it is revoked' }),
});
export type NewApiKey = z.output<typeof newApiKeySchema>;

export const createdApiKeySchema = apiKeySchema.extend({
  secret: z.string().meta({ description: 'the key itself, which is shown only here' }),
});
export type CreatedApiKey = z.infer<typeof createdApiKeySchema>;

export const apiKeyListQuerySchema = idPageQuerySchema;
export type ApiKeyListQuery = z.infer<typeof apiKeyListQuerySchema>;

export const apiKeyListSchema = z.object({
  items: z.array(apiKeySchema),
  nextCursor: nextCursorSchema,
});
export type ApiKeyList = z.infer<typeof apiKeyListSchema>;
