import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { installForTests } from '../../../../tests/support/python-tool.ts';
import { inheritedEnvironment } from '../../../local/environment.ts';
import { repoRoot } from '../../../local/home/home.ts';
import { interpreterOf } from '../../../local/install/python.ts';
import { deployment } from '../deployment.ts';

const tool = {
  name: 'cfn-lint',
  requirements: join(repoRoot, 'infra/aws/testing/cfn-lint/requirements.lock.txt'),
};
const installSeconds = 600;
const lintSeconds = 300;

const findingsSchema = z.array(
  z.object({
    Rule: z.object({ Id: z.string() }),
    Location: z.object({ Path: z.array(z.union([z.string(), z.int()])).nullable() }),
    Message: z.string(),
  }),
);

/**
 * Returns the errors and warnings that cfn-lint has for a template in the region of the deployment, like
 * `E3002 Resources.Bucket.Properties.Name: Additional properties are not allowed`. Installs cfn-lint once for a clone.
 */
export async function findingsOf(file: string): Promise<string[]> {
  await installForTests(tool, installSeconds);
  // Its script has the path of the directory in which it was installed before it was moved to its place.
  const start = 'from cfnlint.runner import main; main()';
  const { stdout, stderr, error } = spawnSync(
    interpreterOf(tool),
    ['-c', start, '--format', 'json', '--regions', deployment.region, '--', file],
    { env: inheritedEnvironment(process.env), encoding: 'utf8', timeout: lintSeconds * 1_000 },
  );
  if (error !== undefined || stdout === '')
    throw new Error(`cfn-lint did not answer: ${stderr}`, { cause: error });
  return findingsSchema
    .parse(JSON.parse(stdout))
    .map(({ Rule, Location, Message }) => `${Rule.Id} ${Location.Path?.join('.')}: ${Message}`);
}
