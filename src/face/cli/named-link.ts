/** As much of the client as this needs. */
interface LinkSource {
  get(path: string): Promise<{ readonly id: string }>;
}

/** The full id of the link that `--link` names, by all or a unique part of it. @throws link.unknown for one that does not exist */
export async function namedLink(api: LinkSource, reference: string | undefined): Promise<{ readonly link?: string }> {
  if (reference === undefined) return {};
  const { id } = await api.get(`/v1/links/${encodeURIComponent(reference)}`);
  return { link: id };
}
