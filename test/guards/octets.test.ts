import { type Node, parseSync, Visitor } from "oxc-parser";
import { expect, it } from "vitest";
import { filesBelow, type SourceFile } from "./sources.ts";

/** Functions of `src/base/hex.ts`, and those of newer versions of JavaScript with the same names. */
const converters: ReadonlySet<string> = new Set(["fromHex", "toHex", "setFromHex"]);

/**
 * The lines that convert between octets, or numbers read from octets, and hexadecimal: a converter by any reference, the
 * encoding `hex`, `toString(16)`, `parseInt(…, 16)`, text that begins with `0x`.
 */
function conversionsIn({ path, text }: SourceFile): number[] {
  const found: number[] = [];
  const note = ({ start }: { readonly start: number }) => found.push(text.slice(0, start).split("\n").length);
  const isSixteen = (node: Node | undefined) => node?.type === "Literal" && node.value === 16;
  new Visitor({
    Identifier: (node) => {
      if (converters.has(node.name)) note(node);
    },
    Literal: (node) => {
      if (typeof node.value === "string" && /^(hex$|0x)/i.test(node.value)) note(node);
    },
    TemplateLiteral: (node) => {
      if (/^(hex$|0x)/i.test(node.quasis[0]?.value.raw ?? "")) note(node);
    },
    CallExpression: (node) => {
      const { callee } = node;
      const name =
        callee.type === "Identifier"
          ? callee.name
          : callee.type === "MemberExpression" && callee.property.type === "Identifier"
            ? callee.property.name
            : "";
      const [first, second] = node.arguments;
      if ((name === "toString" && isSixteen(first)) || (name === "parseInt" && isSixteen(second))) note(node);
    },
  }).visit(parseSync(path, text).program);
  return [...new Set(found)];
}

it("octets stay octets inside the gateway: hexadecimal belongs to codecs, faces and the rows of the store", () => {
  const found = filesBelow(["src/gateway"], /\.ts$/).flatMap((file) =>
    conversionsIn(file).map((line) => `${file.path}:${line}`),
  );
  expect(found).toEqual([]);
});

it.each([
  'import { fromHex as octets } from "../../base/hex.ts";',
  "const octets = list.map(hex.fromHex);",
  'const octets = Buffer.from(value, "hex");',
  "const octets = Buffer.from(\n  withoutSpaces(value, (one) => one.trim()),\n  'HEX',\n);",
  "const octets = Buffer.from(value, `hex`);",
  'const text = Buffer.from(\n  octets,\n)\n  .toString(\n    "hex",\n  );',
  'const coding = "hex" as const;',
  "const octets = Uint8Array.fromHex(value);",
  "const text = octets[0].toString(16);",
  "const text = octets\n  .at(0)\n  ?.toString( 16 )\n  .padStart(2);",
  "const value = parseInt(text.slice(0, 2), 16);",
  "const value = Number.parseInt(\n  text.slice(f(0, 1), 2),\n  16,\n);",
  `const value = Number(\`0x\${text}\`);`,
  'const value = BigInt("0x" + text);',
])("the guard sees %j", (text) => {
  expect(conversionsIn({ path: "a.ts", text })).not.toEqual([]);
});

it.each([
  "const text = sw.toString(10) + 16;",
  "const octets = octetsOf(hex.max(16));",
  'const words = "a hex dump"; // fromHex("00")',
  "const value = 0x10 + Number.parseInt(text, 10);",
])("the guard leaves %j", (text) => {
  expect(conversionsIn({ path: "a.ts", text })).toEqual([]);
});
