/** As much of the client as this needs. */
interface LinkSource {
  readonly v1: {
    readonly links: { get(request: { readonly params: { readonly id: string } }): Promise<{ readonly id: string }> };
  };
}

/** The full id of the link that `--link` names, by all or a unique part of it. @throws link.unknown for one that does not exist */
export async function namedLink(api: LinkSource, reference: string | undefined): Promise<{ readonly link?: string }> {
  if (reference === undefined) return {};
  const { id } = await api.v1.links.get({ params: { id: reference } });
  return { link: id };
}
