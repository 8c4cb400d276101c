export async function rulesAction(): Promise<number> {
  return 1;
}
