import { DOMParser, type Document, type Element, type Node } from "@xmldom/xmldom";
import { GatewayError } from "../../base/gateway-error.ts";
import { checkXml } from "./xml-scan.ts";

/** Kinds of DOM nodes. */
export const nodeKind = { element: 1, text: 3, cdata: 4, instruction: 7, comment: 8, documentType: 10 } as const;

/**
 * Parses XML that comes from outside: well-formed, no document type (and so no entities of its own), within the limits of
 * one tree. The text is checked before anything is built from it.
 * @throws target.invalid naming the line
 */
export function parseXml(text: string): Document {
  checkXml(text);
  try {
    const parser = new DOMParser({
      locator: false,
      onError: (level, message) => {
        if (level !== "warning") throw new Error(message);
      },
    });
    return parser.parseFromString(text, "text/xml");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split("\n")[0] : "not well-formed";
    throw new GatewayError("target.invalid", `the XML is not well-formed: ${message}`, {
      detail: { field: "xml" },
      cause,
    });
  }
}

/** The nodes in a node, in order. */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

/** Whether a node is an element. */
export function isElement(node: Node): node is Element {
  return node.nodeType === nodeKind.element;
}

/** The elements in a node with this local name, in whatever namespace; all without a name. */
export function elements(node: Node, name?: string): Element[] {
  return children(node)
    .filter(isElement)
    .filter((child) => name === undefined || child.localName === name);
}

/** Text of the first element with this local name; undefined when there is none. */
export function textOf(node: Node, name: string): string | undefined {
  return elements(node, name)[0]?.textContent?.trim();
}
