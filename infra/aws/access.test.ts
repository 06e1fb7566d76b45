import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Access, accessOf, type StorageAction } from './access.ts';
import { type Bundle, bundleHandlers } from './bundle.ts';
import { readHandlers } from './functions.ts';

/** Every request that our code sends to S3, and what S3 asks for to answer it. */
const actionsOfCommands: Readonly<Record<string, readonly StorageAction[]>> = {
  HeadBucket: ['ListBucket'],
  // ListBucket: for an answer of 404 where there is no such object.
  HeadObject: ['GetObject', 'ListBucket'],
  GetObject: ['GetObject'],
  CreateMultipartUpload: ['PutObject'],
  UploadPart: ['PutObject'],
  UploadPartCopy: ['GetObject', 'PutObject'],
  CompleteMultipartUpload: ['PutObject'],
  AbortMultipartUpload: ['AbortMultipartUpload'],
  ListMultipartUploads: ['ListBucketMultipartUploads'],
  DeleteObject: ['DeleteObject'],
};

const commandOfS3 = /\bnew import_client_s3\w*\.(\w+)Command\(/g;
const commandOfSockets = /\bnew import_client_apigatewaymanagementapi\w*\.\w+Command\(/;

/** Returns the access that the code of a function needs. */
function accessIn({ files, inputs }: Bundle): Access {
  const code = [...files.values()].map((file) => Buffer.from(file).toString()).join('\n');
  const commands = [...code.matchAll(commandOfS3)].map(([, command = '']) => command);
  const storage = new Set(
    commands.flatMap((command) => {
      const actions = actionsOfCommands[command];
      if (!actions) throw new Error(`actionsOfCommands does not have ${command}`);
      return actions;
    }),
  );
  const kafka = [
    ...(inputs.includes('lib/messaging/read-topic.ts') ? ['readDeadLetters' as const] : []),
    ...(code.includes('function createTopics(') ? ['createTopics' as const] : []),
    ...(code.includes('function relay(') ? ['relay' as const] : []),
    ...(inputs.includes('lib/readings/publish.ts') ? ['publishReadings' as const] : []),
    ...(inputs.includes('lib/messaging/consumer-lag.ts') ? ['measureLag' as const] : []),
  ];
  return {
    ...(inputs.includes('lib/sources/question-connections.ts') && { sources: true }),
    ...(commandOfSockets.test(code) && { sockets: true }),
    ...(kafka.length > 0 && { kafka }),
    ...(storage.size > 0 && { storage: [...storage].toSorted() }),
  };
}

const handlers = readHandlers('.');
let bundles: ReadonlyMap<string, Bundle>;
beforeAll(async () => {
  bundles = await bundleHandlers(Object.values(handlers), process.cwd());
});

describe('accessOf', () => {
  test.each(Object.entries(handlers))('%s has the access that its code needs', (name, handler) => {
    const bundle = bundles.get(handler);
    expect(accessOf(name)).toEqual(bundle && accessIn(bundle));
  });

  test('a function without a Kafka client has no access to Kafka, and one with it has or only asks for the ids of its topics', () => {
    const withClient = Object.entries(handlers)
      .filter(([, handler]) => bundles.get(handler)?.inputs.includes('lib/messaging/kafka.ts'))
      .map(([name]) => name);
    const withAccess = Object.keys(handlers).filter((name) => accessOf(name).kafka);
    // Its event source gives it the right to describe its topics.
    expect(withClient.toSorted()).toEqual([...withAccess, 'live-fanout'].toSorted());
  });
});
