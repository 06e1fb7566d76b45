/** Sends a record with the client of the functions and reads it again. Prints what it has read. */
import { createTopics, disconnectProducers, readTopics, send } from '../../lib/messaging/kafka.ts';
import { topics } from '../../lib/messaging/topics.ts';

const topic = topics.deliveries.name;
await createTopics();
await send('others', topic, 0, [{ key: null, value: Buffer.from('sent'), headers: [] }]);
const records = await readTopics((reader) =>
  reader.read({ topic, partition: 0 }, { from: 0, to: 1, maxBytes: 1_000 }),
);
await disconnectProducers();
console.log(records.map(({ value }) => value?.toString()).join());
