/** SCP81: TLS-PSK sessions and the administration dialog. */
export const scp81Errors = {
  "scp81.handshake": { text: "The TLS handshake failed", http: 502, exit: 4, retry: "later" },
  "scp81.rejected": { text: "The card did not run the script of its session", http: 409, exit: 4, retry: "never" },
  "scp81.protocol": { text: "The peer broke the administration protocol", http: 502, exit: 4, retry: "later" },
} as const;

/** The SM-SR above us. */
export const upstreamErrors = {
  "upstream.unknown": { text: "No such upstream", http: 404, exit: 3, retry: "never" },
  "upstream.unavailable": { text: "The upstream does not answer", http: 502, exit: 5, retry: "later" },
  "upstream.refused": { text: "The upstream refused", http: 502, exit: 4, retry: "never" },
  "upstream.protocol": { text: "The upstream's answer is not usable", http: 502, exit: 4, retry: "later" },
} as const;
