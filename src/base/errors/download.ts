/** Downloads of profile packages. */
export const downloadErrors = {
  "download.unknown": {
    text: "No such download",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the downloads with `otagate download list`.",
  },
  "download.state": {
    text: "The download's state does not allow this",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Read the download with `otagate download show`; an ended one can only be ordered again.",
  },
  "download.preflight": {
    text: "The preflight found an obstacle",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Remove the obstacle, or accept the finding by its code; `--dry-run` lists all findings.",
  },
  "download.credentials": {
    text: "There are no credentials of an SM-DP for this card",
    http: 409,
    exit: 2,
    retry: "never",
    advice: "Configure `smDp`; `otagate sm-dp init` makes a test set for simulated cards.",
  },
} as const;
