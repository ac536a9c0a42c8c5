/** The part of the client that is needed here. */
interface LinkSource {
  readonly v1: {
    readonly links: { get(request: { readonly params: { readonly id: string } }): Promise<{ readonly id: string }> };
  };
}

/**
 * The full id of the link given with `--link`, whole or as a unique part. @throws link.unknown for one that does not
 * exist
 */
export async function namedLink(api: LinkSource, reference: string | undefined): Promise<{ readonly link?: string }> {
  if (reference === undefined) return {};
  const { id } = await api.v1.links.get({ params: { id: reference } });
  return { link: id };
}
