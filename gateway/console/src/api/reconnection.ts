/** Tells those who wait for the bus that it answers again, so that they need not sit out their pauses. */
const reconnection = new EventTarget();
const BACK = "back";

/** Say that the bus answers again. */
export function announceReconnection(): void {
  reconnection.dispatchEvent(new Event(BACK));
}

/** Call a function whenever the bus answers again, until the returned function is called. */
export function onReconnection(act: () => void): () => void {
  reconnection.addEventListener(BACK, act);
  return () => reconnection.removeEventListener(BACK, act);
}
