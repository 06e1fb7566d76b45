import { z } from 'zod';
import { idPageQuerySchema, nextCursorSchema } from './admin-lists.ts';
import { accountGrantSchema } from './grants.ts';
import { accountLimitsSchema, usageSchema } from './limits.ts';
import { scopeSchema } from './scopes.ts';
import { sizes, sizeText } from './sizes.ts';

const roleSchema = z.enum(['analyst', 'admin']);
export type Role = z.infer<typeof roleSchema>;

const count = z.int().nonnegative();

/** What a caller learns about itself. */
export const meSchema = z.object({
  email: z.string(),
  role: roleSchema,
  mayRequestByEvent: z.boolean(),
  scopes: z.array(scopeSchema).meta({ description: 'what these credentials may do' }),
  grants: z.array(accountGrantSchema),
  limits: accountLimitsSchema,
  usage: usageSchema,
});
export type Me = z.infer<typeof meSchema>;

/** An account, as an administrator sees it. */
export const accountSchema = z.object({
  email: z.string(),
  role: roleSchema,
  disabled: z.boolean(),
  mayRequestByEvent: z.boolean(),
  limits: accountLimitsSchema,
  grants: z.array(accountGrantSchema),
  createdAt: z.iso.datetime(),
});
export type AccountDocument = z.infer<typeof accountSchema>;

export const accountListQuerySchema = idPageQuerySchema;
export type AccountListQuery = z.infer<typeof accountListQuerySchema>;

export const accountListSchema = z.object({
  items: z.array(accountSchema),
  nextCursor: nextCursorSchema,
});
export type AccountList = z.infer<typeof accountListSchema>;

const minPasswordCharacters = 12;
const newPasswordSchema = z
  .string()
  .min(minPasswordCharacters, `must have at least ${minPasswordCharacters} characters`)
  .max(
    sizes.passwordCharacters,
    `must have at most ${sizeText(sizes.passwordCharacters)} characters`,
  );

export const emailSchema = z
  .string()
  .max(sizes.emailCharacters, `must have at most ${sizes.emailCharacters} characters`)
  .regex(/^[^\s@]+@[^\s@]+$/, 'must be an email address');

export const newAccountSchema = z.strictObject({
  email: emailSchema,
  role: roleSchema,
  mayRequestByEvent: z.boolean().default(false),
  password: newPasswordSchema.optional().meta({
    description: 'absent: one is created, and shown only in the response',
  }),
});

export const createdAccountSchema = accountSchema.extend({
  initialPassword: z.string().optional(),
});

export const accountChangeSchema = z.strictObject({
  role: roleSchema.optional(),
  disabled: z.boolean().optional().meta({
    description:
      'true: everything of the account is refused at once, and its sessions end; its keys are valid again when it is no longer disabled',
  }),
  mayRequestByEvent: z.boolean().optional(),
  limits: accountLimitsSchema.optional(),
});
export type AccountChange = z.output<typeof accountChangeSchema>;

export const passwordChangeSchema = z.strictObject({
  currentPassword: z
    .string()
    .min(1, 'is required')
    .max(
      sizes.passwordCharacters,
      `must have at most ${sizeText(sizes.passwordCharacters)} characters`,
    ),
  newPassword: newPasswordSchema,
});

/** How many of each ended. */
export const revocationsSchema = z.object({
  sessions: count,
  keys: count,
  tickets: count.meta({ description: 'for files and for live sockets' }),
});
export type Revocations = z.infer<typeof revocationsSchema>;
