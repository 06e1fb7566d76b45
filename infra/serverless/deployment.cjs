/**
 * The deploy file of the stage, checked, or nothing for the stage `local`, which `npm start` runs: that has its cluster,
 * region and bucket in variables.
 *
 *   custom: { deployment: '${file(infra/serverless/deployment.cjs)}' }
 */
const { join } = require('node:path');

module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('sls:stage');
  if (stage === 'local') return {};
  // Loaded only here: it would delay the local start.
  const { readDeployFile } = require('../aws/deploy-file.ts');
  return readDeployFile(join(__dirname, '../..', `deploy.${stage}.yml`));
};
