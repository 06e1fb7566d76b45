/**
 * Permits unknown properties in the published schema of a response. Requests with unknown fields are rejected, but
 * clients must accept them in responses, or no field could ever be added.
 */
export function allowUnknownProperties(jsonSchema: { additionalProperties?: unknown }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}
