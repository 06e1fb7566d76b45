/** When a measure becomes a problem, for the API and for `npm run doctor`. */
export const thresholds = {
  /** Age of the oldest unsent message of the outbox. Usually a message is sent at once. */
  unsentSeconds: 30,
  /** How long a message is reported after it was set aside. */
  setAsideSeconds: 3_600,
  /** Wait of a unit that could run while a slot is free and no unit is dispatched. Every change and every sweep dispatches. */
  waitingSeconds: 60,
  /** Time since the dispatch of an unclaimed unit. After 60 s it is dispatched again. */
  unclaimedSeconds: 30,
  /** Time since the last pass of the sweep. A pass runs every 5 s; the schedule may pause it for a minute. */
  sweepSeconds: 120,
  /** Age of the oldest unprocessed request in `exports.requested`: twice the timeout of its function. */
  requestSeconds: 120,
  /** The same in `exports.work`, where one message takes up to 14 minutes. */
  workSeconds: 16 * 60,
  /** Age of the oldest unprocessed record of readings that ingest has to store. */
  ingestSeconds: 60,
  /** The same for the fan-out, which usually takes half a second. */
  fanOutSeconds: 15,
  /** Age of the oldest delivery that is not recorded yet. */
  deliverySeconds: 120,
  /** Unprocessed messages of a topic of exports, of any age. */
  messages: 1_000,
  /** Share of the slots that is closed after their workers were lost. */
  closedSlots: 0.5,
  /** Messages sent to the dead letter topics of exports, and as many to those of readings … */
  deadLetters: 20,
  /** … within this time. */
  deadLetterSeconds: 600,
} as const;
