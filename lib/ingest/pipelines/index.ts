import { config } from '../../runtime/config.ts';
import { type Decoder, decoderOf } from './decode.ts';
import { pathsIn, readPipelines } from './load.ts';

let decoders: ReadonlyMap<string, Decoder> | undefined;

/** Reads the pipelines of `STREAMSYNC_PIPELINES`, once in this process. Throws a `PipelineFileError`. */
function load(): ReadonlyMap<string, Decoder> {
  decoders ??= new Map(
    readPipelines(pathsIn(config().pipelines)).map((pipeline) => [
      pipeline.topic,
      decoderOf(pipeline),
    ]),
  );
  return decoders;
}

/** Returns the decoder of a topic, undefined if no pipeline has this topic. */
export const decoderOfTopic = (topic: string): Decoder | undefined => load().get(topic);

/** Returns the topics of the pipelines. */
export const pipelineTopicNames = (): string[] => [...load().keys()];
