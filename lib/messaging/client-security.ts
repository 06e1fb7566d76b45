import type { KafkaConfig, OauthbearerProviderResponse, SASLOptions } from 'kafkajs';
import type { KafkaSecurity } from '../runtime/kafka-security.ts';

/**
 * Returns the options of kafkajs for the security of its connections.
 *
 * @param region of the cluster, for tokens of IAM
 */
export function securityOptions(
  security: KafkaSecurity | undefined,
  region: string,
): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  if (!security) return {};
  const { tls, sasl } = security;
  return {
    ssl: typeof tls === 'boolean' ? tls : { ca: tls.ca },
    ...(sasl && { sasl: saslOptions(sasl, region) }),
  };
}

function saslOptions(sasl: NonNullable<KafkaSecurity['sasl']>, region: string): SASLOptions {
  switch (sasl.mechanism) {
    case 'PLAIN':
      return { ...sasl, mechanism: 'plain' };
    case 'SCRAM-SHA-256':
      return { ...sasl, mechanism: 'scram-sha-256' };
    case 'SCRAM-SHA-512':
      return { ...sasl, mechanism: 'scram-sha-512' };
    case 'AWS_MSK_IAM':
      return { mechanism: 'oauthbearer', oauthBearerProvider: () => iamToken(region) };
    default:
      return sasl satisfies never;
  }
}

/** Each connection gets a token of its own: one is valid for 15 minutes, and a function lives longer. */
async function iamToken(region: string): Promise<OauthbearerProviderResponse> {
  // Loaded only here: the signer brings clients of STS and SSO, which other mechanisms do not need.
  const { generateAuthToken } = await import('aws-msk-iam-sasl-signer-js');
  const { token } = await generateAuthToken({ region });
  return { value: token };
}
