/** Jobs and targets. */
export const jobErrors = {
  "job.unknown": {
    text: "No such job",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the jobs with `otagate job list`; ended jobs are removed after their retention time.",
  },
  "switch.unknown": {
    text: "No such profile switch",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the switches with `otagate switch list`.",
  },
  "job.state": {
    text: "The job's state does not allow this",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Read the state of the job; an ended job can only be ordered again.",
  },
  "job.expired": {
    text: "The job's validity period ended",
    http: 409,
    exit: 6,
    retry: "never",
    advice: "Order the job again with a longer validity; see `executed` first.",
  },
  "job.cancelled": {
    text: "The job was cancelled",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Nothing; see `executed` for what the card did before.",
  },
  "job.too-large": {
    text: "The script does not fit the bearer",
    http: 422,
    exit: 2,
    retry: "never",
    advice: "Split the script, or choose a bearer that carries more.",
  },
  "job.no-bearer": {
    text: "No bearer reaches the target",
    http: 503,
    exit: 5,
    retry: "later",
    advice: "Configure a link that reaches the target, or give the target an address for one.",
  },
  "job.interrupted": {
    text: "The daemon stopped before the outcome of the job was known",
    http: 500,
    exit: 1,
    retry: "never",
    advice: "Find out what the card did, for example with an audit, before the job is ordered again.",
  },
  "job.failed": {
    text: "The job did not succeed",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Read the job with `otagate job show`.",
  },
  "job.channel-ended": {
    text: "The secure channel of the script ended before the script was sent",
    http: 409,
    exit: 4,
    retry: "never",
    advice: "Order the whole script again from the start of its secure channel.",
  },
  "job.script": {
    text: "A command of the script failed",
    http: 409,
    exit: 4,
    retry: "never",
    advice: "Read `command`, `sw` and `meaning`; see `executed` for what ran before it.",
  },
} as const;

export const targetErrors = {
  "target.unknown": {
    text: "No such target",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the targets with `otagate target list`.",
  },
  "target.exists": {
    text: "The target exists already",
    http: 409,
    exit: 2,
    retry: "never",
    advice: "Change the existing target, or choose another identifier.",
  },
  "target.no-key": {
    text: "The target has no usable key set for this",
    http: 409,
    exit: 7,
    retry: "never",
    advice:
      "Give the target a key set for this security domain: `otagate target import`, or PUT /v1/targets/{ref}/keys.",
  },
  "target.invalid": {
    text: "The target's description is not valid",
    http: 422,
    exit: 2,
    retry: "never",
    advice: "Correct the field that `field` names.",
  },
  "target.policy": {
    text: "A policy rule of the profile forbids this",
    http: 409,
    exit: 4,
    retry: "never",
    advice: "Change POL1 or POL2 of the profile, or choose another profile.",
  },
} as const;

export const storeErrors = {
  "store.unavailable": {
    text: "The store cannot be used",
    http: 503,
    exit: 7,
    retry: "later",
    advice: "Check that the state folder exists, is writable and is on a local disk.",
  },
  "store.full": {
    text: "The disk is full",
    http: 503,
    exit: 7,
    retry: "later",
    advice: "Free disk space; work continues by itself afterwards.",
  },
  "store.corrupt": {
    text: "The store is damaged",
    http: 503,
    exit: 7,
    retry: "later",
    advice: "Restore the state folder from a backup, or run `otagate store recover`.",
  },
  "store.rewound": {
    text: "The store lacks committed data",
    http: 500,
    exit: 7,
    retry: "never",
    advice: "Restore the newest backup, or run `otagate store recover`, which raises the counters.",
  },
  "store.locked": {
    text: "Another daemon uses this state folder",
    http: 500,
    exit: 7,
    retry: "never",
    advice: "Stop the other daemon, or use another state folder.",
  },
  "store.version": {
    text: "The store was written by a newer version",
    http: 500,
    exit: 7,
    retry: "never",
    advice: "Start the version that wrote the store, or a newer one.",
  },
  "store.busy": {
    text: "Old records are being removed already",
    http: 409,
    exit: 1,
    retry: "later",
    advice: "Try again when the removal has ended.",
  },
  "store.conflict": {
    text: "The record changed in the meantime",
    http: 409,
    exit: 1,
    retry: "now",
    advice: "Read the record again and repeat the change.",
  },
} as const;

export const configErrors = {
  "config.unreadable": {
    text: "The configuration cannot be read",
    http: 500,
    exit: 7,
    retry: "never",
    advice: "Check the path and the permissions of the configuration file.",
  },
  "config.invalid": {
    text: "The configuration is not valid",
    http: 500,
    exit: 7,
    retry: "never",
    advice: "Correct the field that the message names.",
  },
  "config.secret": {
    text: "A referenced secret cannot be read",
    http: 500,
    exit: 7,
    retry: "never",
    advice: "Check the reference: the environment variable or the file that it names.",
  },
} as const;

export const apiErrors = {
  "api.usage": {
    text: "The request or command line is not valid",
    http: 400,
    exit: 2,
    retry: "never",
    advice: "Correct the field that `field` names.",
  },
  "api.not-found": {
    text: "No such resource",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "Check the path; see `/v1/openapi.json`.",
  },
  "api.method": {
    text: "The resource does not support this method",
    http: 405,
    exit: 2,
    retry: "never",
    advice: "Use a method that the `Allow` header names.",
  },
  "api.precondition": {
    text: "The resource was changed in the meantime",
    http: 412,
    exit: 1,
    retry: "now",
    advice: "Read the resource again and repeat the request with its new ETag.",
  },
  "api.too-large": {
    text: "The request is too large",
    http: 413,
    exit: 2,
    retry: "never",
    advice: "Send fewer or shorter items.",
  },
  "api.media-type": {
    text: "The content type of the request is not supported",
    http: 415,
    exit: 2,
    retry: "never",
    advice: "Send `Content-Type: application/json`.",
  },
  "api.idempotency": {
    text: "Idempotency-Key was already used for a different request",
    http: 422,
    exit: 2,
    retry: "never",
    advice: "Use a new Idempotency-Key for a different request.",
  },
  "api.busy": {
    text: "Too many requests of this kind are open",
    http: 429,
    exit: 5,
    retry: "later",
    advice: "Close an open stream or request, or wait.",
  },
  "api.unreachable": {
    text: "The daemon is not reachable",
    http: 502,
    exit: 5,
    retry: "later",
    advice: "Start the daemon with `otagate daemon`, or check the address of `--url`.",
  },
  "api.timeout": {
    text: "The wait ended before the work did",
    http: 504,
    exit: 6,
    retry: "later",
    advice: "Read the result later; the work continues.",
  },
  "api.unauthorized": {
    text: "The credentials are missing or not valid",
    http: 401,
    exit: 4,
    retry: "never",
    advice: "Send a valid API token.",
  },
  "api.forbidden": {
    text: "The credentials do not allow this",
    http: 403,
    exit: 4,
    retry: "never",
    advice: "Use a token with the scope that the message names.",
  },
  "api.internal": {
    text: "An internal error; the log has the details",
    http: 500,
    exit: 1,
    retry: "never",
    advice: "Report it with the lines of the log around it.",
  },
} as const;

/** API tokens. */
export const tokenErrors = {
  "token.unknown": {
    text: "No such token",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the tokens with `otagate token list`.",
  },
  "token.exists": {
    text: "A token of this name is in use",
    http: 409,
    exit: 2,
    retry: "never",
    advice: "Choose another name, or revoke the existing token.",
  },
} as const;
