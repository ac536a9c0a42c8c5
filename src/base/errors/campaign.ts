/** Notifications, campaigns and scenarios. */
export const notificationErrors = {
  "notification.unknown": {
    text: "No such notification",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the notifications with `otagate notification list`.",
  },
  "notification.state": {
    text: "The notification's state does not allow this",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Read the notification: it is confirmed already, or another confirmation is under way.",
  },
} as const;

export const campaignErrors = {
  "campaign.unknown": {
    text: "No such campaign",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the campaigns with `otagate campaign list`.",
  },
  "campaign.state": {
    text: "The campaign's state does not allow this",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Read the state of the campaign.",
  },
  "campaign.invalid": {
    text: "The campaign's description is not valid",
    http: 422,
    exit: 2,
    retry: "never",
    advice: "Correct the field that `field` names.",
  },
  "campaign.no-profile": {
    text: "The EIS has no profile of this kind",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Audit the card to refresh its EIS, or choose profiles by other criteria.",
  },
  "campaign.rolled-back": {
    text: "The card switched back to its old profile",
    http: 409,
    exit: 4,
    retry: "never",
    advice: "Check the coverage of the new profile's network, then order the switch again.",
  },
  "campaign.no-switch": {
    text: "The card reported no profile switch",
    http: 409,
    exit: 6,
    retry: "never",
    advice: "Audit the card to see which profile is enabled.",
  },
} as const;

export const scenarioErrors = {
  "scenario.invalid": {
    text: "The scenario is not valid",
    http: 422,
    exit: 2,
    retry: "never",
    advice: "Correct the line that the message names.",
  },
  "scenario.failed": {
    text: "An expectation of the scenario was not met",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "See the report of the scenario.",
  },
} as const;
