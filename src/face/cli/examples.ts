import type { Command } from "commander";

const card = "89001012012341234012345678901224";

/** Examples of commands without their own ones, by the words of the command. */
const examples: Readonly<Record<string, readonly string[]>> = {
  "reader reset": ["otagate reader reset", "otagate reader reset 'Virtual PCD 00 00' --warm"],
  "target list": ["otagate target list", "otagate target list --tag lab --json | jq -r '.[].eid'"],
  "target show": [`otagate target show ${card}`, "otagate target show bench-1 --json"],
  "target set": [
    `otagate target set ${card} --name bench-1 --tag lab`,
    "otagate target set bench-1 --notifications relay",
  ],
  "target remove": ["otagate target remove bench-1"],
  "session list": ["otagate session list"],
  "session show": ["otagate session show ses_01J9Z0F3"],
  "session close": ["otagate session close ses_01J9Z0F3"],
  "smsc list": ["otagate smsc list", "otagate smsc list --json"],
  "smsc show": ["otagate smsc show smsc:operator-a"],
  "smsc rebind": ["otagate smsc rebind smsc:operator-a"],
  "modem list": ["otagate modem list"],
  "modem show": ["otagate modem show rack1"],
  "modem power": ["otagate modem power rack1"],
  "modem reset": ["otagate modem reset rack1", "otagate modem reset rack1 --sim"],
  "hardware-profile list": ["otagate hardware-profile list"],
  "hardware-profile show": ["otagate hardware-profile show quectel-ec25"],
  "profile show": ["otagate profile show operator-a.der", "otagate profile show operator-a.hex --json | jq .imsi"],
  "profile check": [
    "otagate profile check operator-a.der",
    "otagate profile check *.der --card-version 2.3.1 --free-memory 65536",
  ],
  "profile diff": ["otagate profile diff template.der operator-a.der"],
  "sms list": ["otagate sms list --limit 10"],
  "script encode": [
    "otagate script encode 00A40004023F00 00B000000A",
    `echo '{"apdus":["80F24002024F0000"],"id":1}' | otagate script encode --jsonl`,
  ],
  "script decode": [
    "otagate script decode AA0A220880F24002024F0000",
    "otagate script decode --response AF80230290000000",
  ],
  "job show": ["otagate job show job_01J9Z0F3", "otagate job show job_01J9Z0F3 --json"],
  "job watch": ["otagate job watch job_01J9Z0F3 --timeout 60"],
  "job cancel": ["otagate job cancel job_01J9Z0F3"],
  "notification list": [`otagate notification list --target ${card}`],
  "scp80 wrap": [
    "otagate scp80 wrap --spi 1621 --kic 12 --kid 12 --tar 000001 --cntr 0000000001 --kic-key env:KIC --kid-key env:KID --payload AA0A220880F24002024F0000",
    "otagate scp80 wrap --jsonl < packets.jsonl",
  ],
  "scp80 unwrap": [
    "otagate scp80 unwrap --spi 1639 --kic 12 --kid 12 --kic-key env:KIC --kid-key env:KID 027100002412000001EF199DC12FB02C40F83C991B1F72E2C1983C7768AD4FCF5B8CB60062F12D02A9",
    "otagate scp80 unwrap --jsonl < packets.jsonl",
  ],
  "tpdu encode": [
    `otagate tpdu encode '{"type":"SMS-SUBMIT","tp_mr":1,"tp_da":"447700900123","tp_da_toa":"91","tp_pid":"00","tp_dcs":"04","tp_ud":"0102"}'`,
  ],
  "tpdu decode": ["otagate tpdu decode 440B914477000910F27FF66211120000000007050003010201AB"],
  envelope: ["otagate envelope 440B914477000910F27FF66211120000000007050003010201AB --sc +447700900999"],
  decode: [
    "otagate decode D00E8103012180820281028D03044869",
    "otagate decode --kic env:KIC --kid env:KID 027000003815163912120000015AEEFB6849994111BF40ECA01FDC6F2A8F76F359F82CEEA8D8D160FF0C098F64B2900714E4AC7F8D956CF22FDE903D98",
    "printf '%s\\n' AE80220580CA0066000000 '<AF802304010290000000' | otagate decode",
  ],
  "trace follow": ["otagate trace follow --kind apdu,packet", `otagate trace follow --target ${card} --json`],
  "trace export": [
    "otagate trace export --format pcap --since 10m -o last.pcap",
    "otagate trace export --job job_01J9Z0F3 > job.jsonl",
  ],
  doctor: ["otagate doctor", "otagate doctor --json"],
  demo: ["otagate demo", "otagate demo --in-process"],
};

/** The words that call a command, without the program's own name: `target import`. */
export function commandPath(command: Command): string {
  const { parent } = command;
  if (parent === null) return "";
  return `${commandPath(parent)} ${command.name()}`.trim();
}

/** Puts the examples of {@link examples} under a command's help. */
export function addExamples(command: Command): void {
  const own = examples[commandPath(command)];
  if (own === undefined) return;
  command.addHelpText("after", `\nExample${own.length > 1 ? "s" : ""}:\n${own.map((one) => `  ${one}`).join("\n")}\n`);
}
