import type { ApiClient } from "./client.ts";

/** The full id of the link that `--link` names, by all or a unique part of it. @throws link.unknown for one that does not exist */
export async function namedLink(api: ApiClient, reference: string | undefined): Promise<{ readonly link?: string }> {
  if (reference === undefined) return {};
  const { id } = await api.get<{ id: string }>(`/v1/links/${encodeURIComponent(reference)}`);
  return { link: id };
}
