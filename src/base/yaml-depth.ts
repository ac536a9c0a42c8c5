const maxDepth = 64;
/** Columns in front of a line: twice what depth by four columns needs. */
const maxIndent = 512;

/**
 * Says where a YAML text is nested too deep for the parser, which ends the process then; undefined when it is not. Brackets in quoted text count, too:
 * so many of them that are not closed are no configuration.
 */
export function yamlTooDeep(text: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "[" || character === "{") depth += 1;
    else if ((character === "]" || character === "}") && depth > 0) depth -= 1;
    if (depth > maxDepth) return `nested deeper than ${maxDepth} levels (offset ${at})`;
  }
  for (const [index, line] of text.split("\n").entries()) {
    const start = /^[ ]*((?:[-?:][ ]+)*)/.exec(line) ?? [];
    if ((start[0] ?? "").length > maxIndent || (start[1] ?? "").replaceAll(" ", "").length > maxDepth)
      return `nested deeper than ${maxDepth} levels (line ${index + 1})`;
  }
  return undefined;
}
