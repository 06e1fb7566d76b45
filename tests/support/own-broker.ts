import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceEnvironment } from '../../infra/local/environment.ts';
import { openHome, repoRoot } from '../../infra/local/home/home.ts';
import { java } from '../../infra/local/install/java.ts';
import { findTools } from '../../infra/local/install/system-tools.ts';
import { choosePorts } from '../../infra/local/ports.ts';
import { startService } from '../../infra/local/processes.ts';
import { broker, formatStorage } from '../../infra/local/services/kafka.ts';
import { renderTemplate } from '../../infra/local/template.ts';
import type { KeyAndCertificate } from './certificate.ts';
import { waitFor } from './wait-for.ts';

export const login = { username: 'streamsync', password: 'right-password' };

export interface OwnBroker {
  /** `127.0.0.1:<port>` by how a listener secures its connections. */
  listeners: Record<'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT', string>;
  stop: () => Promise<void>;
}

/**
 * Starts a broker of a test with the settings of the stack's, and further listeners with TLS and SASL: SCRAM with both
 * hashes, and PLAIN. `login` is its only user. OAUTHBEARER refuses every token of AWS, which only MSK can verify.
 *
 * @param server its key and certificate
 */
export async function startSecuredBroker(server: KeyAndCertificate): Promise<OwnBroker> {
  const directory = await mkdtemp(join(tmpdir(), 'streamsync-broker-'));
  const home = openHome({ STREAMSYNC_HOME: directory });
  await mkdir(home.logs);
  const ports = await choosePorts(home, {});
  const portOf = { SSL: ports.http, SASL_SSL: ports.lambda, SASL_PLAINTEXT: ports.websocket };
  const template = readFileSync(join(repoRoot, 'infra/kafka/server.properties.template'), 'utf8');
  const rendered = renderTemplate(template, {
    port: ports.kafka,
    controllerPort: ports.kafkaController,
    data: join(directory, 'kafka'),
  });
  await writeFile(home.kafkaConfig, `${rendered}\n${settingsOf(portOf, rendered, server)}`);
  const env = serviceEnvironment(home);
  const signal = AbortSignal.timeout(5 * 60_000);
  const context = { environment: env, cwd: repoRoot, signal, report: () => undefined };
  const command = (await findTools([java], context))(java);
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${login.username},password=${login.password}]`,
  ]);
  await formatStorage(command, home.kafkaConfig, { env, signal }, users);
  const service = await startService({
    name: 'kafka',
    command,
    env,
    logs: home.logs,
    stopSeconds: 15,
    ...broker(home.kafkaConfig),
  });
  const stop = async (): Promise<void> => {
    await service.stop();
    await rm(directory, { recursive: true });
  };
  try {
    let ended = false;
    void service.exited.then(() => {
      ended = true;
    });
    await waitFor('the broker has started', async () => {
      const log = readFileSync(service.log, 'utf8');
      if (ended) throw new Error(`the broker has ended:\n${log}`);
      return log.includes('Kafka Server started') || undefined;
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const listeners = {
    SSL: `127.0.0.1:${portOf.SSL}`,
    SASL_SSL: `127.0.0.1:${portOf.SASL_SSL}`,
    SASL_PLAINTEXT: `127.0.0.1:${portOf.SASL_PLAINTEXT}`,
  };
  return { listeners, stop };
}

/** Returns settings that replace those of the stack's broker: in a file of properties the last line of a name counts. */
function settingsOf(
  ports: Readonly<Record<string, number>>,
  rendered: string,
  { key, certificate }: KeyAndCertificate,
): string {
  const addedTo = (setting: string, added: readonly string[]): string => {
    const value = new RegExp(`^${setting.replaceAll('.', '\\.')}=(.*)$`, 'm').exec(rendered)?.[1];
    if (value === undefined) throw new Error(`the template has no ${setting}`);
    return `${setting}=${[value, ...added].join(',')}`;
  };
  const names = Object.keys(ports);
  const addresses = Object.entries(ports).map(([name, port]) => `${name}://127.0.0.1:${port}`);
  const oneLine = (pem: string): string => pem.trim().replaceAll('\n', '\\n');
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  const bearer = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule';
  return [
    addedTo('listeners', addresses),
    addedTo('advertised.listeners', addresses),
    addedTo(
      'listener.security.protocol.map',
      names.map((name) => `${name}:${name}`),
    ),
    'ssl.keystore.type=PEM',
    `ssl.keystore.key=${oneLine(key)}`,
    `ssl.keystore.certificate.chain=${oneLine(certificate)}`,
    ...['sasl_ssl', 'sasl_plaintext'].flatMap((name) => [
      `listener.name.${name}.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER`,
      `listener.name.${name}.scram-sha-256.sasl.jaas.config=${scram} required;`,
      `listener.name.${name}.scram-sha-512.sasl.jaas.config=${scram} required;`,
      `listener.name.${name}.plain.sasl.jaas.config=${plain} required user_${login.username}="${login.password}";`,
      `listener.name.${name}.oauthbearer.sasl.jaas.config=${bearer} required unsecuredLoginStringClaim_sub="broker";`,
    ]),
    '',
  ].join('\n');
}
