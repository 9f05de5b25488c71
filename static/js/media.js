// The cache of media on this node, and what was handed out lately.

import { get, post } from "./api.js";
import { confirmed } from "./dialog.js";
import { all, busy, clone, find, make } from "./dom.js";
import { ago, bytes, moment } from "./format.js";
import { ownMedia } from "./own_media.js";
import { tell, tellError } from "./toast.js";
import { t } from "./t.js";

const PAGE = 48;
const KINDS = ["", "image", "video"];
let kind = "",
  page = 0,
  asking = new AbortController();

async function loadSizes() {
  try {
    const [cache, settings] = await Promise.all([get("/api/cache/size"), get("/api/settings")]);
    for (const name of ["image", "video"]) {
      const size = cache.data[`${name}_size_bytes`],
        limit = settings.data.global[`${name}_cache_max_size_mb`] * 1024 ** 2;
      find(`#size-${name}`).textContent = bytes(size);
      find(`#limit-${name}`).textContent = t("media.limit", { limit: bytes(limit) });
      const meter = find(`#meter-${name}`),
        share = limit ? size / limit : 0;
      meter.style.width = `${Math.min(100, 100 * share)}%`;
      meter.classList.toggle("full", share > 0.95);
    }
    find("#size-total").textContent = bytes(cache.data.total_size_bytes);
  } catch (error) {
    tellError(error);
  }
}

/** What this node has of it; what it has not would be fetched from Grok for everybody who only looks in here. */
function thumbOf({ kind: what, size_bytes: size, url }) {
  if (size === null) return clone("elsewhere");
  const src = ownMedia(url);
  if (what === "image") return make("img", { src, loading: "lazy", alt: "" });
  const quiet = { preload: "metadata", muted: true, playsInline: true, tabIndex: -1 };
  return make("video", { src: `${src}#t=0.1`, ...quiet });
}

const captionOf = ({ created_time: at, size_bytes: size }) =>
  make(
    "span",
    { class: "caption" },
    make("span", { textContent: ago(at) }),
    make("span", { textContent: size === null ? "" : bytes(size) }),
  );

function tile(item) {
  const made = moment(item.created_time);
  const button = make("button", { type: "button", title: made }, thumbOf(item), captionOf(item));
  button.setAttribute("aria-label", `${t(`media.one_${item.kind}`)}, ${made}`);
  button.addEventListener("click", () => view(item, button));
  return make("li", {}, button);
}

/** button: of its tile. */
function view(item, button) {
  const url = ownMedia(item.url);
  const shown =
    item.kind === "video"
      ? make("video", { src: url, controls: true, autoplay: true })
      : make("img", { src: url, alt: t("media.one_image") });
  const waiting = make("p", { class: "muted", textContent: t("loading") }),
    came = item.kind === "video" ? "loadeddata" : "load";
  const once = { once: true };
  shown.addEventListener(came, () => waiting.remove(), once);
  if (item.size_bytes === null) shown.addEventListener(came, () => fetched(item, button), once);
  shown.addEventListener("error", () => {
    if (!shown.isConnected) return; // taken away, as the dialog closed
    const problem = make("p", { class: "problem", role: "alert", textContent: t("media.gone") });
    find("#viewer-media").replaceChildren(problem);
  });
  find("#viewer-media").replaceChildren(waiting, shown);
  find("#viewer-link").href = url;
  find("#viewer").showModal();
}

/** This node has it now. */
async function fetched(item, button) {
  const { headers } = await fetch(ownMedia(item.url), { method: "HEAD", cache: "no-store" });
  item.size_bytes = Number(headers.get("Content-Length"));
  button.replaceChildren(thumbOf(item), captionOf(item));
  loadSizes();
}

async function loadGallery({ more = false } = {}) {
  asking.abort();
  asking = new AbortController();
  page = more ? page + 1 : 1;
  try {
    const { data, total } = await get(`/api/cache/media?page=${page}&page_size=${PAGE}&kind=${kind}`, {
      signal: asking.signal,
    });
    const gallery = find("#gallery");
    if (!more) gallery.replaceChildren();
    gallery.append(...data.map(tile));
    find("#gallery-count").textContent = total ? `(${total})` : "";
    find("#gallery-empty").hidden = total > 0;
    find("#more").hidden = page * PAGE >= total;
  } catch (error) {
    tellError(error);
  }
}

for (const button of all("[data-clear]")) {
  button.addEventListener("click", async () => {
    const which = button.dataset.clear;
    if (
      !(await confirmed({
        title: t("media.clear_title"),
        text: t("media.clear_text"),
        yes: button.textContent,
        danger: true,
      }))
    )
      return;
    await busy(button, async () => {
      try {
        const { data } = await post(`/api/cache/clear${which ? `/${which}` : ""}`);
        tell(t("media.cleared", { count: data.deleted_count, size: bytes(data.freed_bytes) }));
      } catch (error) {
        tellError(error);
      }
    });
    await loadSizes();
    await loadGallery();
  });
}
for (const button of all("[data-kind]")) {
  button.addEventListener("click", () => {
    if (kind === button.dataset.kind) return;
    history.pushState(null, "", button.dataset.kind ? `?kind=${button.dataset.kind}` : location.pathname);
    showKind();
  });
}

/** The kind that the address names. */
function showKind() {
  const given = new URLSearchParams(location.search).get("kind");
  kind = KINDS.includes(given) ? given : "";
  all("[data-kind]").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.kind === kind)));
  loadGallery();
}
addEventListener("popstate", showKind);
find("#more").addEventListener("click", ({ currentTarget }) =>
  busy(currentTarget, () => loadGallery({ more: true })),
);
find("#viewer-close").addEventListener("click", () => find("#viewer").close());
find("#viewer").addEventListener("close", () => find("#viewer-media").replaceChildren());
loadSizes();
showKind();
