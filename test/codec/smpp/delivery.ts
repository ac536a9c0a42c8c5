/** A deliver_sm that is a receipt, without its text. SMPP 3.4 §4.6.1 */
export const delivery = {
  serviceType: "",
  source: { ton: 1, npi: 1, addr: "491701234567" },
  destination: { ton: 0, npi: 1, addr: "12345" },
  esmClass: 4,
  protocolId: 0,
  priorityFlag: 0,
  scheduleDeliveryTime: "",
  validityPeriod: "",
  registeredDelivery: 0,
  replaceIfPresentFlag: 0,
  dataCoding: 0,
  smDefaultMsgId: 0,
  shortMessage: new Uint8Array(0),
  tlvs: {},
};
