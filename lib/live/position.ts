import type { Position, TopicPosition } from './cursor.ts';

/** Where a partition of a topic is. */
export interface PartitionPosition {
  topic: string;
  partition: number;
  epoch: number;
  nextOffset: number;
}

/** A position that moves on. */
export class MovingPosition {
  readonly #topics: Map<string, { epoch: number; nextOffsets: Map<number, number> }>;

  constructor(start: Position = new Map()) {
    this.#topics = new Map(
      [...start].map(([topic, { epoch, nextOffsets }]) => [
        topic,
        { epoch, nextOffsets: new Map(nextOffsets) },
      ]),
    );
  }

  /** Moves a partition on, never back. A new epoch of a topic starts all of its partitions at 0. */
  advance({ topic, partition, epoch, nextOffset }: PartitionPosition): void {
    const known = this.#topics.get(topic);
    if (!known || known.epoch < epoch)
      this.#topics.set(topic, { epoch, nextOffsets: new Map([[partition, nextOffset]]) });
    else if (known.epoch === epoch && (known.nextOffsets.get(partition) ?? 0) < nextOffset)
      known.nextOffsets.set(partition, nextOffset);
  }

  /** Returns the current position, which later moves do not change. */
  snapshot(): Position {
    return new Map(
      [...this.#topics].map(([topic, { epoch, nextOffsets }]) => [
        topic,
        { epoch, nextOffsets: new Map(nextOffsets) },
      ]),
    );
  }
}

/** Returns the position that these partitions make up. */
export function positionOf(partitions: Iterable<PartitionPosition>): Position {
  const position = new MovingPosition();
  for (const partition of partitions) position.advance(partition);
  return position.snapshot();
}

/** Returns the first offset of a partition, in an epoch of its topic, that is not before a position. */
export function offsetIn(
  position: Position,
  { topic, partition, epoch }: Omit<PartitionPosition, 'nextOffset'>,
): number {
  const known = position.get(topic);
  if (!known || known.epoch < epoch) return 0;
  return known.epoch > epoch ? Infinity : (known.nextOffsets.get(partition) ?? 0);
}

/** Returns whether everything before `b` is before `a`, too. */
export const reaches = (a: Position, b: Position): boolean =>
  [...b].every(([topic, { epoch, nextOffsets }]) =>
    [...nextOffsets].every(
      ([partition, offset]) => offsetIn(a, { topic, partition, epoch }) >= offset,
    ),
  );

/** Returns the position before which is what is before both. */
export function earlierOf(a: Position, b: Position): Position {
  const topics = new Map<string, TopicPosition>();
  for (const [topic, ofA] of a) {
    const ofB = b.get(topic);
    if (!ofB) continue;
    if (ofA.epoch !== ofB.epoch) {
      topics.set(topic, ofA.epoch < ofB.epoch ? ofA : ofB);
      continue;
    }
    const nextOffsets = new Map(
      [...ofA.nextOffsets].map(([partition, offset]) => [
        partition,
        Math.min(offset, ofB.nextOffsets.get(partition) ?? 0),
      ]),
    );
    topics.set(topic, { epoch: ofA.epoch, nextOffsets });
  }
  return topics;
}

/** Returns how many offsets are between two positions of the same epochs. */
export const offsetsBetween = (from: Position, to: Position): number =>
  [...to].reduce(
    (sum, [topic, { epoch, nextOffsets }]) =>
      [...nextOffsets].reduce(
        (inTopic, [partition, offset]) =>
          inTopic + Math.max(0, offset - offsetIn(from, { topic, partition, epoch })),
        sum,
      ),
    0,
  );

/** Returns whether a topic of `from` was created again before `to`: what is between them is not known. */
export const isRecreated = (from: Position, to: Position): boolean =>
  [...from].some(([topic, { epoch }]) => (to.get(topic)?.epoch ?? 0) > epoch);
