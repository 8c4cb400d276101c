/** An object's name as the object store writes it in subjects. */
export function objectToken(name: string): string {
  return Buffer.from(name)
    .toString("base64url")
    .padEnd(Math.ceil(name.length / 3) * 4, "=");
}

/** Token of the object that says which rule set is in force. Only the controller may write it. */
export const CURRENT_RULE_SET = objectToken("current");
