/**
 * Opens an object of ours in what is published of it: we refuse fields we do not know; those who read our
 * answers have to accept them, or no field could ever be added.
 */
export function acceptMore(jsonSchema: { additionalProperties?: unknown }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}
