import { type PreparationReport, prepareDeployment } from '../../infra/prepare/deployment.ts';

/** Invoked by `serverless deploy` (infra/aws/plugin.ts), which fails with it. */
export const handler = (): Promise<PreparationReport> => {
  const { STREAMSYNC_PREPARATION_SECRET_ARN: arn } = process.env;
  if (!arn) throw new Error('STREAMSYNC_PREPARATION_SECRET_ARN is not set');
  return prepareDeployment(arn);
};
