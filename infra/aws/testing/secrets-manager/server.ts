import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { installForTests } from '../../../../tests/support/python-tool.ts';
import { inheritedEnvironment } from '../../../local/environment.ts';
import { repoRoot } from '../../../local/home/home.ts';
import { interpreterOf } from '../../../local/install/python.ts';

const tool = {
  name: 'moto',
  requirements: join(repoRoot, 'infra/aws/testing/secrets-manager/requirements.lock.txt'),
};
const installSeconds = 600;

export interface SecretsManager {
  /** The variable by which AWS's SDK finds it. */
  environment: { AWS_ENDPOINT_URL_SECRETS_MANAGER: string };
  /** Creates a secret and returns its ARN. */
  create: (name: string, text: string) => Promise<string>;
  stop: () => void;
}

/** Starts a Secrets Manager on a free port of loopback. It forgets its secrets when it stops. */
export async function startSecretsManager(region: string): Promise<SecretsManager> {
  await installForTests(tool, installSeconds);
  const server = spawn(
    interpreterOf(tool),
    ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'],
    // Standard error has the address and each request.
    { env: inheritedEnvironment(process.env), stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let client: SecretsManagerClient | undefined;
  const stop = (): void => {
    server.kill('SIGKILL');
    client?.destroy();
    process.off('exit', stop);
  };
  process.on('exit', stop);
  const endpoint = await addressIn(createInterface(server.stderr));
  client = new SecretsManagerClient({
    region,
    endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  return {
    environment: { AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint },
    create: async (Name, SecretString) => {
      const { ARN } = await client.send(new CreateSecretCommand({ Name, SecretString }));
      if (ARN === undefined) throw new Error('the secret has no ARN');
      return ARN;
    },
    stop,
  };
}

function addressIn(lines: ReturnType<typeof createInterface>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const seen: string[] = [];
  lines.on('line', (line) => {
    seen.push(line);
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (address !== undefined) resolve(address);
  });
  lines.on('close', () => reject(new Error(`moto has ended:\n${seen.join('\n')}`)));
  return promise;
}
