/** How many places from the head of the queue are counted; a `queuePosition` of so many or more is a lower bound. */
export const countedPlaces = 100;
