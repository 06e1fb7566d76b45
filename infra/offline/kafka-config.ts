import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs';
import type { Log } from './log.ts';
import type { PluginSettings } from './plugin-settings.ts';

/** Returns the configuration of the client; the files of certificates are relative to `directory`. */
export function kafkaConfig(
  plugin: PluginSettings | undefined,
  directory: string,
  log: Log,
): KafkaConfig {
  return {
    clientId: 'offline-kafka',
    brokers: plugin?.brokers ?? [],
    ssl: tlsOf(plugin?.ssl, directory),
    ...(plugin?.sasl === undefined ? {} : { sasl: saslOf(plugin.sasl) }),
    requestTimeout: 10_000,
    // About 40 s. A consumer that survives a restart of the broker stays a member and goes on at once; a new one
    // waits for the end of the former session, which the broker counts from its own start.
    retry: { initialRetryTime: 200, maxRetryTime: 1000, retries: 40 },
    logLevel: logLevel.WARN,
    // Errors that matter also arrive as failures of a consumer or a commit.
    logCreator:
      () =>
      ({ namespace, log: entry }) =>
        log.info(`kafkajs ${namespace}: ${entry.message}`),
  };
}

function tlsOf(ssl: PluginSettings['ssl'] | undefined, directory: string) {
  if (ssl === undefined || typeof ssl === 'boolean') return ssl ?? false;
  const read = (file: string): string => readFileSync(resolve(directory, file), 'utf8');
  return Object.fromEntries(
    Object.entries(ssl).flatMap(([name, file]) => (file === undefined ? [] : [[name, read(file)]])),
  );
}

/** The type of kafkajs has a member for each mechanism. */
function saslOf({ mechanism, ...user }: NonNullable<PluginSettings['sasl']>): SASLOptions {
  switch (mechanism) {
    case 'plain':
      return { mechanism, ...user };
    case 'scram-sha-256':
      return { mechanism, ...user };
    case 'scram-sha-512':
      return { mechanism, ...user };
    default:
      return mechanism satisfies never;
  }
}
