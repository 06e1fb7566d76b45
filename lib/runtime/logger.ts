import { Logger } from '@aws-lambda-powertools/logger';

/** The one logger: a JSON line an event. Ids go into the second argument, never into the text. */
export const logger = new Logger({
  serviceName: 'streamsync',
  logLevel: levelOf(process.env.STREAMSYNC_LOG_LEVEL),
});

/** The logger must work where the configuration does not: it may have to report that. */
function levelOf(text: string | undefined): 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
  return text === 'DEBUG' || text === 'WARN' || text === 'ERROR' ? text : 'INFO';
}
