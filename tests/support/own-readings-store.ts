import { randomBytes } from 'node:crypto';
import { prepareReadingsStore } from '../../infra/postgres/databases.ts';
import { writer } from '../../lib/ingest/writer.ts';
import type { ReadingsSettings } from '../../lib/runtime/config.ts';
import { openScratchOutbox } from './scratch-outbox.ts';
import { sourceUrl, sql } from './stack.ts';

/** A readings store and an outbox of a suite's own, which this process uses from now on, with the Kafka of the stack. */
export interface OwnReadingsStore {
  /** As superuser. */
  url: string;
  outboxUrl: string;
  end: () => Promise<void>;
}

/** Creates it, with the rights that the writer has in the stack. `prepare` runs before the migrations. */
export async function openReadingsStore(
  settings: Partial<ReadingsSettings> = {},
  prepare?: string,
): Promise<OwnReadingsStore> {
  const outbox = await openScratchOutbox();
  const ofStack: ReadingsSettings = JSON.parse(process.env.STREAMSYNC_READINGS ?? '');
  const name = `readings_${randomBytes(6).toString('hex')}`;
  const inDatabase = (url: string): string => {
    const other = new URL(url);
    other.pathname = `/${name}`;
    return other.href;
  };
  const url = inDatabase(sourceUrl('iot'));
  const writerUrl = inDatabase(ofStack.url);
  await sql(sourceUrl('iot'), `create database ${name}`);
  if (prepare !== undefined) await sql(url, prepare);
  await sql(url, `revoke connect, temporary on database ${name} from public`);
  await sql(url, `grant connect on database ${name} to ${new URL(writerUrl).username}`);
  await prepareReadingsStore(url, writerUrl);
  process.env.STREAMSYNC_READINGS = JSON.stringify({ ...ofStack, ...settings, url: writerUrl });
  return {
    url,
    outboxUrl: outbox.url,
    end: async () => {
      await writer().end();
      await sql(sourceUrl('iot'), `drop database ${name} with (force)`);
      await outbox.end();
    },
  };
}
