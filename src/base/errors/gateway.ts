/** Jobs and targets. */
export const jobErrors = {
  "job.unknown": { text: "No such job", http: 404, exit: 3, retry: "never" },
  "switch.unknown": { text: "No such profile switch", http: 404, exit: 3, retry: "never" },
  "job.state": { text: "The job's state does not allow this", http: 409, exit: 1, retry: "never" },
  "job.expired": { text: "The job's validity period ended", http: 409, exit: 6, retry: "never" },
  "job.cancelled": { text: "The job was cancelled", http: 409, exit: 1, retry: "never" },
  "job.too-large": { text: "The script does not fit the bearer", http: 422, exit: 2, retry: "never" },
  "job.no-bearer": { text: "No bearer reaches the target", http: 503, exit: 5, retry: "later" },
  "job.interrupted": { text: "The daemon stopped while the job's fate was open", http: 500, exit: 1, retry: "never" },
  "job.failed": { text: "The job did not succeed", http: 409, exit: 1, retry: "never" },
  "job.channel-ended": {
    text: "The secure channel of the script ended before the script was sent",
    http: 409,
    exit: 4,
    retry: "never",
  },
  "job.script": { text: "A command of the script failed", http: 409, exit: 4, retry: "never" },
} as const;

export const targetErrors = {
  "target.unknown": { text: "No such target", http: 404, exit: 3, retry: "never" },
  "target.exists": { text: "The target exists already", http: 409, exit: 2, retry: "never" },
  "target.no-key": { text: "The target has no usable key set for this", http: 409, exit: 7, retry: "never" },
  "target.invalid": { text: "The target's description is not valid", http: 422, exit: 2, retry: "never" },
  "target.policy": { text: "A policy rule of the profile forbids this", http: 409, exit: 4, retry: "never" },
} as const;

export const storeErrors = {
  "store.unavailable": { text: "The store cannot be used", http: 503, exit: 7, retry: "later" },
  "store.full": { text: "The disk is full", http: 503, exit: 7, retry: "later" },
  "store.corrupt": { text: "The store is damaged", http: 503, exit: 7, retry: "later" },
  "store.rewound": { text: "The store lacks what it once had", http: 500, exit: 7, retry: "never" },
  "store.locked": { text: "Another daemon uses this state folder", http: 500, exit: 7, retry: "never" },
  "store.version": { text: "The store was written by a newer version", http: 500, exit: 7, retry: "never" },
  "store.busy": { text: "Old records are being removed already", http: 409, exit: 1, retry: "later" },
  "store.conflict": { text: "The record changed in the meantime", http: 409, exit: 1, retry: "now" },
} as const;

export const configErrors = {
  "config.unreadable": { text: "The configuration cannot be read", http: 500, exit: 7, retry: "never" },
  "config.invalid": { text: "The configuration is not valid", http: 500, exit: 7, retry: "never" },
  "config.secret": { text: "A referenced secret cannot be read", http: 500, exit: 7, retry: "never" },
} as const;

export const apiErrors = {
  "api.usage": { text: "The request or command line is not valid", http: 400, exit: 2, retry: "never" },
  "api.not-found": { text: "No such resource", http: 404, exit: 3, retry: "never" },
  "api.method": { text: "The resource does not know this method", http: 405, exit: 2, retry: "never" },
  "api.precondition": { text: "The resource is not in the state that was asked for", http: 412, exit: 1, retry: "now" },
  "api.too-large": { text: "The request is too large", http: 413, exit: 2, retry: "never" },
  "api.media-type": { text: "The request's content type is not understood", http: 415, exit: 2, retry: "never" },
  "api.idempotency": { text: "The idempotency key was used for another order", http: 422, exit: 2, retry: "never" },
  "api.busy": { text: "Too many requests of this kind are open", http: 429, exit: 5, retry: "later" },
  "api.unreachable": { text: "The daemon does not answer", http: 502, exit: 5, retry: "later" },
  "api.timeout": { text: "The wait ended before the work did", http: 504, exit: 6, retry: "later" },
  "api.unauthorized": { text: "The credentials are missing or not known", http: 401, exit: 4, retry: "never" },
  "api.forbidden": { text: "The credentials do not allow this", http: 403, exit: 4, retry: "never" },
  "api.internal": {
    text: "Something failed that should not; the log has the details",
    http: 500,
    exit: 1,
    retry: "never",
  },
} as const;

/** API tokens. */
export const tokenErrors = {
  "token.unknown": { text: "No such token", http: 404, exit: 3, retry: "never" },
  "token.exists": { text: "A token of this name is in use", http: 409, exit: 2, retry: "never" },
} as const;
