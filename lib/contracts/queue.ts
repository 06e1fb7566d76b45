/** The number of places that are counted from the head of the queue. A `queuePosition` from this number on is a lower bound. */
export const countedPlaces = 100;
