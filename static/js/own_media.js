// Pictures and videos of this gateway.

/** Their address here, whatever host a link names: a page may show no other's. Other links stay as they are. */
export function ownMedia(url) {
  try {
    const { pathname, search } = new URL(url, location.href);
    const at = pathname.indexOf("/images/");
    return at < 0 ? url : pathname.slice(at) + search;
  } catch {
    return url;
  }
}
