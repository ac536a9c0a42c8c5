import { openPty } from "../simulators/pty.ts";

/** The other end of the AT bench, in a process of its own: answers OK, a long +CSIM, or a +CMT with the time it left. */
const pty = await openPty();
const pdu = "07915155100000F0440B915155100070F70004621020010203401902710000140A00000100000000010000AB0780010123029000";
const ok = Buffer.from("\r\nOK\r\n");
const long = Buffer.from(`\r\n+CSIM: 516,"${"5A".repeat(256)}9000"\r\n\r\nOK\r\n`);
let input = "";
let announced = 0;
pty.onData((chunk) => {
  input += Buffer.from(chunk).toString("latin1");
  for (let end = input.indexOf("\r"); end >= 0; end = input.indexOf("\r")) {
    const line = input.slice(0, end);
    input = input.slice(end + 1);
    if (line.startsWith("AT+CSIM")) pty.write(long);
    else pty.write(ok);
    if (line === "AT+CMGF=0") setTimeout(() => announce(), 5);
  }
});
pty.onClose(() => process.exit());

function announce(): void {
  // No message twice: the gateway takes one that it had before for a repetition.
  const fresh = pdu.slice(0, -8) + (announced++).toString(16).toUpperCase().padStart(8, "0");
  pty.write(Buffer.from(`\r\n^SENT: ${process.hrtime.bigint()}\r\n\r\n+CMT: "",44\r\n${fresh}\r\n`));
}

console.log(pty.path);
