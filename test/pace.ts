const GUEST = process.env["REEVE_GUEST"] !== undefined;

/** How often a test does something: less in a guest (test/guests), which is emulated. */
export function many(native: number, inGuest: number): number {
  return GUEST ? inGuest : native;
}

/** How long a test waits at most: longer in a guest. */
export function patience(milliseconds: number): number {
  return GUEST ? milliseconds * 20 : milliseconds;
}
