/**
 * The id of a topic, which no other topic of the same name has. kafkajs speaks version 6 of Metadata at most, and ids
 * come with version 10 (Kafka 2.8). So this file writes that request itself and sends it over a connection of kafkajs,
 * with its TLS and authentication. https://kafka.apache.org/protocol#The_Messages_Metadata
 */
import { createCluster } from './kafkajs-cluster.ts';

/** Returns the id of a topic, null if there is no such topic. Throws if the brokers do not answer. */
export async function topicIdOf(kafka: object, topic: string): Promise<string | null> {
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    const answer = await cluster.brokerPool.seedBroker?.connectionPool.send({
      request: {
        apiKey: 3,
        apiVersion: 10,
        apiName: 'Metadata',
        encode: () => {
          const bytes = encodeRequest(topic);
          return Promise.resolve({ buf: bytes, buffer: bytes });
        },
      },
      response: {
        decode: (payload: Buffer) => Promise.resolve({ topic: decodeResponse(payload) }),
        parse: (decoded: { topic: DescribedTopic }) => Promise.resolve(decoded.topic),
      },
    });
    if (!isDescribedTopic(answer)) throw new Error('kafkajs has no connection to a broker');
    if (answer.errorCode === unknownTopic) return null;
    if (answer.errorCode !== 0)
      throw new Error(`Kafka did not describe ${topic}: error ${answer.errorCode}`);
    return answer.id;
  } finally {
    await cluster.disconnect();
  }
}

/** The error code of Kafka. */
const unknownTopic = 3;

/** A version of Metadata from 9 on has compact lengths (one more than the length) and tagged fields, here none. */
function encodeRequest(topic: string): Buffer {
  const name = Buffer.from(topic);
  const noTags = Buffer.of(0);
  return Buffer.concat([
    noTags, // of the header
    varint(1 + 1),
    Buffer.alloc(16), // the id; it is unknown
    varint(name.length + 1),
    name,
    noTags,
    Buffer.of(0, 0, 0), // create the topic; describe the rights to the cluster; to the topic
    noTags,
  ]);
}

function varint(number: number): Buffer {
  const bytes: number[] = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

interface DescribedTopic {
  errorCode: number;
  id: string;
}

const isDescribedTopic = (value: unknown): value is DescribedTopic =>
  typeof value === 'object' && value !== null && 'errorCode' in value && 'id' in value;

/** Reads up to the id of the only topic. */
function decodeResponse(payload: Buffer): DescribedTopic {
  let position = 0;
  const take = (bytes: number): Buffer => payload.subarray(position, (position += bytes));
  const takeVarint = (): number => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = take(1).readUInt8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const skipText = (): Buffer => take(Math.max(0, takeVarint() - 1));
  const skipTags = (): void => {
    for (let tags = takeVarint(); tags > 0; tags--) {
      takeVarint();
      take(takeVarint());
    }
  };
  skipTags(); // of the header
  take(4); // throttle time
  for (let brokers = takeVarint() - 1; brokers > 0; brokers--) {
    take(4); // id
    skipText(); // host
    take(4); // port
    skipText(); // rack
    skipTags();
  }
  skipText(); // id of the cluster
  take(4); // controller
  if (takeVarint() !== 1 + 1) throw new Error('Kafka did not describe the topic');
  const errorCode = take(2).readInt16BE();
  skipText(); // name
  const id = take(16).toString('hex');
  return { errorCode, id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') };
}
