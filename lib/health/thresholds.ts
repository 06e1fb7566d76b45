/** From when on something is called a problem: the one table, for the API and for `npm run doctor`. */
export const thresholds = {
  /** Age of the oldest message of the outbox that was not sent. Usually it is sent at once. */
  unsentSeconds: 30,
  /** How long a message that was set aside is reported. */
  setAsideSeconds: 3_600,
  /** Wait of a unit that could run while a slot is free and nothing is given out. Dispatch follows every change, and the sweep. */
  waitingSeconds: 60,
  /** Wait of a unit that was given out for a worker to begin it. After 60 s it is given out anew. */
  untakenSeconds: 30,
  /** Since the last pass of the sweep. It comes by every 5 s; its schedule may leave it out for a minute. */
  sweepSeconds: 120,
  /** Age of the oldest request in `exports.requested` that was not worked off: twice its function's timeout. */
  requestSeconds: 120,
  /** The same in `exports.work`, where one message is worked at for up to 14 minutes. */
  workSeconds: 16 * 60,
  /** Messages of a topic that were not worked off, whatever their age. */
  messages: 1_000,
  /** Share of the slots that is closed behind lost workers. */
  closedSlots: 0.5,
  /** Messages that went to the dead-letter topics … */
  deadLetters: 20,
  /** … within this time. */
  deadLetterSeconds: 600,
} as const;
