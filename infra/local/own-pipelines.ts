/** The user's own pipelines, which `npm start` connects: STREAMSYNC_PIPELINES, as in a deployment. */
import type { Pipeline } from '../../lib/ingest/pipelines/definition.ts';
import { PipelineFileError, pathsIn, readPipelines } from '../../lib/ingest/pipelines/load.ts';
import { StackError } from './errors.ts';

/** Returns the pipelines of the variable, none if it is not set. Throws a StackError that names every fault in their files. */
export function readOwnPipelines(list: string | undefined): Pipeline[] {
  try {
    return readPipelines(pathsIn(list));
  } catch (error) {
    if (!(error instanceof PipelineFileError)) throw error;
    throw new StackError('STREAMSYNC_PIPELINES names files with errors', error.message.split('\n'));
  }
}
