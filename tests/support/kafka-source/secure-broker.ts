import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import kafkajs, { type KafkaConfig } from 'kafkajs';
import { repoRoot } from '../../../infra/local/home/home.ts';
import { renderTemplate } from '../../../infra/local/template.ts';
import { selfSigned } from '../certificate.ts';
import { freePorts } from '../free-ports.ts';
import { readStack } from '../stack.ts';
import { waitFor } from '../wait-for.ts';

const { Kafka, logLevel } = kafkajs;
const scramMechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];

/** The user whom the broker accepts by each mechanism. */
export const user = { username: 'reader', password: 'secret-of-the-reader' };

/** A broker that accepts only TLS with SASL, run with the Java and the jars of the broker of the stack. */
export class SecureBroker implements AsyncDisposable {
  readonly address: string;
  /** PEM. */
  readonly certificate: string;
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';

  private constructor(
    address: string,
    certificate: string,
    directory: string,
    process: ChildProcess,
  ) {
    this.address = address;
    this.certificate = certificate;
    this.#directory = directory;
    this.#process = process;
    this.#ended = new Promise((resolve) => process.once('close', resolve));
    const keep = (chunk: unknown): void => void (this.#output += String(chunk));
    process.stdout?.on('data', keep);
    process.stderr?.on('data', keep);
  }

  static async start(): Promise<SecureBroker> {
    const directory = await mkdtemp(join(tmpdir(), 'streamsync-secure-broker-'));
    const [port = 0, controllerPort = 0] = await freePorts(2);
    const { key, certificate } = selfSigned();
    await writeFile(join(directory, 'keystore.pem'), key + certificate);
    await writeFile(join(directory, 'truststore.pem'), certificate);
    const config = join(directory, 'server.properties');
    await writeFile(config, await configuration(port, controllerPort, directory));
    await mkdir(join(directory, 'data'));

    const { command, options, cwd } = await javaOfStack();
    await promisify(execFile)(
      command,
      [
        ...options,
        'kafka.tools.StorageTool',
        'format',
        `--cluster-id=A${randomBytes(15).toString('base64url')}`,
        '--config',
        config,
        ...scramMechanisms.flatMap((mechanism) => [
          '--add-scram',
          `${mechanism}=[name=${user.username},password=${user.password}]`,
        ]),
      ],
      { cwd, timeout: 180_000 },
    );
    const process = spawn(command, [...options, 'kafka.Kafka', config], { cwd });
    const broker = new SecureBroker(`localhost:${port}`, certificate, directory, process);
    try {
      await waitFor('the secure broker answers', () => broker.#answers());
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
    return broker;
  }

  /** Returns the configuration of a client. */
  client(): KafkaConfig {
    return {
      brokers: [this.address],
      ssl: { ca: this.certificate },
      sasl: { mechanism: 'plain', ...user },
      logLevel: logLevel.NOTHING,
    };
  }

  async #answers(): Promise<true | undefined> {
    if (this.#process.exitCode !== null)
      throw new Error(`the secure broker ended:\n${this.#output.slice(-4000)}`);
    const admin = new Kafka({ ...this.client(), retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      const { brokers } = await admin.describeCluster();
      return brokers.length > 0 || undefined;
    } catch {
      return undefined;
    } finally {
      await admin.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Returns the configuration of the broker of the stack, with another listener for clients. */
async function configuration(
  port: number,
  controllerPort: number,
  directory: string,
): Promise<string> {
  const template = await readFile(join(repoRoot, 'infra/kafka/server.properties.template'), 'utf8');
  const { username, password } = user;
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${username}" password="${password}" user_${username}="${password}";`;
  const scram = `org.apache.kafka.common.security.scram.ScramLoginModule required;`;
  // Of a name that is there twice, the last value counts.
  return [
    renderTemplate(template, { port, controllerPort, data: join(directory, 'data') }),
    `listeners=SASL_SSL://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=SASL_SSL://localhost:${port}`,
    'listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name=SASL_SSL',
    'sasl.mechanism.inter.broker.protocol=PLAIN',
    `sasl.enabled.mechanisms=PLAIN,${scramMechanisms.join(',')}`,
    `listener.name.sasl_ssl.plain.sasl.jaas.config=${plain}`,
    ...scramMechanisms.map(
      (mechanism) => `listener.name.sasl_ssl.${mechanism.toLowerCase()}.sasl.jaas.config=${scram}`,
    ),
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${join(directory, 'keystore.pem')}`,
    // A broker is a client of the others, and tries its own certificate.
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${join(directory, 'truststore.pem')}`,
    '',
  ].join('\n');
}

/** Returns how the stack runs Java for its broker. */
async function javaOfStack(): Promise<{ command: string; options: string[]; cwd: string }> {
  const { processes } = await readStack();
  const pid = processes.find(({ name }) => name === 'kafka')?.pid;
  const [command = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  const options = args.slice(0, args.indexOf('kafka.Kafka'));
  return { command, options, cwd: await readlink(`/proc/${pid}/cwd`) };
}
