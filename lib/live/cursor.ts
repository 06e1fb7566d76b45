import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';

/** A position in one topic. All lower offsets of each partition are before it; a partition without an entry is at 0. */
export interface TopicPosition {
  /** Counts how often the topic was created: offsets of different epochs cannot be compared. */
  epoch: number;
  nextOffsets: ReadonlyMap<number, number>;
}

/** A position in the stream of all readings, by topic. */
export type Position = ReadonlyMap<string, TopicPosition>;

/** A cursor has its position as JSON: `{"readings": [epoch, {"0": nextOffset}]}`. */
const payloadSchema = z.record(
  z.string(),
  z.tuple([z.int().nonnegative(), z.record(z.string().regex(/^\d{1,9}$/), z.int().nonnegative())]),
);

/** Returns a position as opaque, signed text. */
export function encodeCursor(position: Position, secret: string = config().tokenSecret): string {
  const payload: z.input<typeof payloadSchema> = {};
  for (const [topic, { epoch, nextOffsets }] of byKey(position))
    payload[topic] = [epoch, Object.fromEntries(byKey(nextOffsets))];
  const text = Buffer.from(JSON.stringify(payload)).toString('base64url');
  return `${text}.${signatureOf(text, secret).toString('base64url')}`;
}

/** Returns the position of a cursor. Throws `invalid_request` if this deployment did not sign it. */
export function decodeCursor(cursor: string, secret: string = config().tokenSecret): Position {
  const [text = '', sent = '', ...rest] = cursor.split('.');
  const signature = Buffer.from(sent, 'base64url');
  const expected = signatureOf(text, secret);
  const isOurs =
    rest.length === 0 &&
    signature.length === expected.length &&
    timingSafeEqual(signature, expected);
  if (!isOurs) throw invalidCursor();
  const payload = payloadSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
  return new Map(
    Object.entries(payload).map(([topic, [epoch, offsets]]) => [
      topic,
      {
        epoch,
        nextOffsets: new Map(Object.entries(offsets).map(([p, offset]) => [Number(p), offset])),
      },
    ]),
  );
}

const invalidCursor = (): AppError =>
  new AppError('invalid_request', 'The cursor is not one of this deployment.');

const signatureBytes = 16;

/** The first line keeps signatures of cursors apart from whatever else the secret signs. */
const signatureOf = (text: string, secret: string): Buffer =>
  createHmac('sha256', secret).update(`cursor\n${text}`).digest().subarray(0, signatureBytes);

/** Equal positions have equal cursors, whatever the order in which they were made. */
function byKey<Key extends string | number, Value>(map: ReadonlyMap<Key, Value>): [Key, Value][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
