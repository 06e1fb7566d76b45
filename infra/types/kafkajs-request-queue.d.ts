/** The class that lib/messaging/kafkajs-patch.ts changes; kafkajs declares no types of its internal files. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  const requestQueueClass: unknown;
  export default requestQueueClass;
}
