/** Whether only this machine can reach a server that listens on this host. */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, "").toLowerCase();
  return plain === "localhost" || plain === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(plain);
}
