import { describe, expect, it } from "vitest";
import { publicLine } from "../../../src/codec/at/line-name.ts";
import { showAlone } from "../../../src/codec/secrets/message-secrets.ts";
import { CommandSecrets } from "../../../src/codec/secrets/secret-data.ts";

const key = "C0DEC0DEC0DEC0DEC0DEC0DEC0DEC0DE";

describe("command lines as they may be shown", () => {
  it.each([
    ['ATE0+CPIN="1234"', "ATE0+CPIN=***"],
    ['at+cpin = "1234"', "at+cpin = ***"],
    ['AT +CPIN="1234"', "AT +CPIN=***"],
    ["AT+CPIN 1234", "AT+CPIN***"],
    ["AT+CPIN1234", "AT+CPIN***"],
    ['AT+CFUN=1;+CPIN="1234";+CSQ', "AT+CFUN=1;+CPIN=***;+CSQ"],
    ['AT+CSTT="apn","user","pw"', "AT+CSTT=***"],
    ['ATE0V1+CGAUTH=1,1,"user","pw"', "ATE0V1+CGAUTH=***"],
    ['AT+SAPBR=3,1,"PWD","pw"', "AT+SAPBR=***"],
    ['AT^VENDOR=1,2,"pw",12345', "AT^VENDOR=1,2,***,***"],
    ['+CPIN="1234"', "+CPIN=***"],
    ['AT+CFUN=1;+CSIM=26,"0020000108313233343FFFFFFF"', 'AT+CFUN=1;+CSIM=26,"0020000108***"'],
    ['AT^CGLA=1,26,"0020000108313233343FFFFFFF"', 'AT^CGLA=1,26,"0020000108***"'],
    ['AT#CSIM = 26,"00 20 00 01 08 31 32 33 34 3F FF FF FF"', 'AT#CSIM = 26,"0020000108***"'],
    ['AT+CSIM=26,"002"', 'AT+CSIM=26,"***"'],
    [`AT+CRSM=214,28424,0,0,33,"${key}"`, "AT+CRSM=214,28424,0,0,33,***"],
    ["ATD**04*1234*4711*4711#;", "ATD**04****;"],
    ["ATD**052*12345678*4711*4711#", "ATD**052****"],
    ['AT+CUSD=1,"**04*1234*4711*4711#"', "AT+CUSD=1,***"],
    ['+CGAUTH: 1,1,"user","pw"', "+CGAUTH: ***"],
    ['+QICSGP: 1,"apn","user","pw",1', "+QICSGP: ***"],
  ])("%s: %s", (line, shown) => expect(publicLine(line)).toBe(shown));

  it.each([
    "ATE0V1&C1S0=1",
    "AT+CREG?",
    "AT+COPS=3,2;+COPS?",
    'AT+CPMS="SM","SM","SM"',
    "AT+CMGS=159",
    "AT+CNMI=2,1,0,1",
    'AT+CGDCONT=1,"IP","internet"',
    "AT+CPIN?",
    "AT+CPIN=?",
    "AT^VENDOR=1,0",
    "ATD+12345678901;",
    "ATD*100#",
    'AT+CSIM=14,"00A40004023F00"',
    'AT+CRSM=214,28423,0,0,9,"083930010000000010"',
    "+CPIN: SIM PIN",
    '+CPMS: "SM",1,10',
    '+CRSM: 144,0,"083930010000000010"',
    "OK",
  ])("%s is shown as it is", (line) => expect(publicLine(line)).toBe(line));

  it.each([
    ["AT+CRSM=176,28424,0,0,33", `+CRSM: 144,0,"07${key}${key}"`],
    ['AT#CSIM=10,"00B0880021"', `#CSIM: 70,"07${key}${key}9000"`],
    ['AT^CGLA=1,10,"01B0890021"', `^CGLA: 70,"07${key}${key}9000"`],
  ])("the answer to %s is hidden", (command, answer) => {
    const secrets = new CommandSecrets();
    publicLine(command, showAlone, secrets);
    expect(publicLine(answer, showAlone, secrets)).not.toContain("C0DE");
    publicLine("AT+CRSM=176,28423,0,0,9", showAlone, secrets);
    expect(publicLine('+CRSM: 144,0,"0839300100000000"', showAlone, secrets)).toContain("08393001");
  });
});
