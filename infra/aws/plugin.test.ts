import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import DeploymentPlugin from './plugin.ts';

/** Runs the check of a deployment by a shell with credentials of an account. */
async function deployAs(account: string, stage: string): Promise<void> {
  const plugin = new DeploymentPlugin({
    service: {
      functions: {},
      provider: {
        stage,
        timeout: 29,
        environment: {},
        compiledCloudFormationTemplate: { Resources: {} },
      },
      custom: { deployment: parse(readFileSync('deploy.example.yml', 'utf8')) },
    },
    serviceDir: '.',
    getProvider: () => ({
      naming: {
        getNormalizedFunctionName: (name) => name,
        getLogGroupLogicalId: (name) => `${name}LogGroup`,
      },
      getAccountId: () => Promise.resolve(account),
      getAwsSdkV3Config: () => Promise.resolve({}),
    }),
  });
  await plugin.hooks['before:deploy:deploy']?.();
}

test('a deployment with credentials of another account than the deploy file names is refused', async () => {
  await expect(deployAs('123456789012', 'prod')).resolves.toBeUndefined();
  await expect(deployAs('210987654321', 'prod')).rejects.toThrow(
    'of the account 210987654321; account in deploy.prod.yml is 123456789012',
  );
});

test('the stage local is not deployed', async () => {
  await expect(deployAs('123456789012', 'local')).rejects.toThrow('--stage');
});
