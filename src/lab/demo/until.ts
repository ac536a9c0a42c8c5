/** The result of the probe, once there is one, within twenty seconds. */
export async function until<T>(probe: () => Promise<T | undefined>, ms = 20_000): Promise<T | undefined> {
  for (const end = Date.now() + ms; Date.now() < end; ) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return undefined;
}
