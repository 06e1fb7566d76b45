/**
 * The `msk` events of the functions that get readings: one for the topic `readings`, and one for the topic of each
 * pipeline. A deployment without a store for readings (`readings` in the deploy file; STREAMSYNC_READINGS in the stage
 * `local`) has no such events. serverless.yml has the other settings of these events in `custom.readingsEvents`, by
 * function.
 *
 *   events: ${file(infra/serverless/readings-events.cjs):ingest-readings}
 */
const { groupIdOf, topics } = require('../../lib/messaging/topics.ts');

const functionNames = ['ingest-readings', 'live-fanout'];

/** Throws a `PipelineFileError` if a file of a pipeline is wrong. */
function readingsTopics() {
  const list = process.env.STREAMSYNC_PIPELINES ?? '';
  if (list.trim() === '') return [topics.readings.name];
  // Loaded only here: the packages that pipelines need would delay the start of a deployment without any.
  const { pathsIn, readPipelines } = require('../../lib/ingest/pipelines/load.ts');
  const pipelines = readPipelines(pathsIn(list));
  return [topics.readings.name, ...pipelines.map(({ topic }) => topic)];
}

for (const functionName of functionNames) {
  module.exports[functionName] = async ({ resolveConfigurationProperty }) => {
    const { readings = (process.env.STREAMSYNC_READINGS ?? '').trim() !== '' } =
      await resolveConfigurationProperty(['custom', 'deployment']);
    if (!readings) return [];
    const arn = await resolveConfigurationProperty(['custom', 'kafkaArn']);
    const settings = await resolveConfigurationProperty(['custom', 'readingsEvents', functionName]);
    return readingsTopics().map((topic) => ({
      msk: { arn, topic, consumerGroupId: groupIdOf(functionName, topic), ...settings },
    }));
  };
}
