/** SCP81: TLS-PSK sessions and the administration dialog. */
export const scp81Errors = {
  "scp81.handshake": {
    text: "The TLS handshake failed",
    http: 502,
    exit: 4,
    retry: "later",
    advice: "Check the PSK and its identity in the target's keys.",
  },
  "scp81.rejected": {
    text: "The card did not run the script of its session",
    http: 409,
    exit: 4,
    retry: "never",
    advice: "Read `scriptStatus`; check the AID of the target application.",
  },
  "scp81.protocol": {
    text: "The peer violated the administration protocol",
    http: 502,
    exit: 4,
    retry: "later",
    advice: "Read the trace of the session with `otagate trace export`.",
  },
} as const;

/** Upstream SM-SRs. */
export const upstreamErrors = {
  "upstream.unknown": {
    text: "No such upstream",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the upstreams with `otagate upstream list`.",
  },
  "upstream.unavailable": {
    text: "The upstream is not available",
    http: 502,
    exit: 5,
    retry: "later",
    advice: "Nothing: delivery is tried again. If it persists, check the URL of the upstream.",
  },
  "upstream.refused": {
    text: "The upstream refused",
    http: 502,
    exit: 4,
    retry: "never",
    advice: "Check the credentials and the URL of the upstream; redeliver its dead letters afterwards.",
  },
  "upstream.protocol": {
    text: "The upstream's answer is not valid",
    http: 502,
    exit: 4,
    retry: "later",
    advice: "Check that the URL is that of an upstream; delivery is tried again.",
  },
} as const;
