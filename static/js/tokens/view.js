// What of the accounts is shown: kept in the address, so that reload, back and sharing work.

const DEFAULTS = {
  q: "",
  status: "",
  token_type: "",
  tag: "",
  sort: "-created_time",
  page: "1",
  page_size: "50",
};
const FILTERS = ["q", "status", "token_type", "tag"];

/** What the API takes; anything else in an address is left out. */
const FORMS = {
  status: /^(unused|active|cooling|exhausted|expired|disabled)$/,
  token_type: /^(sso|ssoSuper)$/,
  sort: /^-?(created_time|last_used|remaining_queries|request_count|failed_count|in_flight)$/,
  page: /^[1-9]\d{0,5}$/,
  page_size: /^(25|50|100|200)$/,
};

export function readView() {
  const given = new URLSearchParams(location.search);
  const read = ([name, value]) => {
    const text = given.get(name) ?? "";
    return [name, text && (FORMS[name]?.test(text) ?? true) ? text : value];
  };
  return Object.fromEntries(Object.entries(DEFAULTS).map(read));
}

/** Puts a view into the address. replace: without a step to go back, for what is being typed. */
export function writeView(view, { replace = false } = {}) {
  const kept = new URLSearchParams(Object.entries(view).filter(([name, value]) => value !== DEFAULTS[name]));
  const address = kept.size ? `?${kept}` : location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", address);
}

export const isFiltered = (view) => FILTERS.some((name) => view[name]);

/** The query string of the list; with `only` filters, of an export or of all ids. */
export function queryOf(view, { filtersOnly = false } = {}) {
  const names = filtersOnly ? FILTERS : Object.keys(DEFAULTS);
  return new URLSearchParams(names.filter((name) => view[name]).map((name) => [name, view[name]])).toString();
}
