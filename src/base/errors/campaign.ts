/** Notifications, campaigns and scenarios. */
export const notificationErrors = {
  "notification.unknown": { text: "No such notification", http: 404, exit: 3, retry: "never" },
  "notification.state": { text: "The notification's state does not allow this", http: 409, exit: 1, retry: "never" },
} as const;

export const campaignErrors = {
  "campaign.unknown": { text: "No such campaign", http: 404, exit: 3, retry: "never" },
  "campaign.state": { text: "The campaign's state does not allow this", http: 409, exit: 1, retry: "never" },
  "campaign.invalid": { text: "The campaign's description is not valid", http: 422, exit: 2, retry: "never" },
  "campaign.no-profile": { text: "The EIS knows no profile of this kind", http: 409, exit: 1, retry: "never" },
  "campaign.rolled-back": { text: "The card switched back to its old profile", http: 409, exit: 4, retry: "never" },
  "campaign.no-switch": { text: "The card reported no profile switch", http: 409, exit: 6, retry: "never" },
} as const;

export const scenarioErrors = {
  "scenario.invalid": { text: "The scenario is not valid", http: 422, exit: 2, retry: "never" },
  "scenario.failed": { text: "An expectation of the scenario was not met", http: 409, exit: 1, retry: "never" },
} as const;
