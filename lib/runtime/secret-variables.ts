/** The variables that are in the secret of a deployment, and in the environment of one machine. */
export const secretVariables = [
  'STREAMSYNC_CATALOGUE_URL',
  'STREAMSYNC_SOURCES',
  'STREAMSYNC_READINGS',
  'STREAMSYNC_KAFKA_SECURITY',
  'STREAMSYNC_TOKEN_SECRET',
  'STREAMSYNC_DOOR_SECRET',
  'STREAMSYNC_HASH_SECRET',
  'STREAMSYNC_SIGNING_KEYS',
  'STREAMSYNC_OIDC',
] as const;
